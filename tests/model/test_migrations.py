"""Earlier forms of experiments.json: read as they stand, written anew only with a backup."""

import json

import pytest
from hypothesis import given
from tests.cli.conftest import project
from tests.fuzz.junk import documents
from tests.fuzz.samples import EXPERIMENT, TEMPLATE

from meta_experiment.errors import CorruptStoreError
from meta_experiment.model.migrations import MIGRATIONS, SCHEMA_VERSION, upgraded
from meta_experiment.model.registry import decode_registry, encode_registry

__all__ = ["project"]

EARLIER = {
    "template": {"experiments": [TEMPLATE]},
    "template, bare": {"experiments": [{"id": "e", "name": "n", "created": "2025-10-20"}]},
    "template, empty": {"experiments": []},
}


def test_the_steps_are_named_and_lead_from_each_form_to_the_next():
    """No form is skipped, no name stands twice, and the last step makes the present form."""
    assert [step.since for step in MIGRATIONS] == list(range(SCHEMA_VERSION))
    assert len({step.name for step in MIGRATIONS}) == len(MIGRATIONS)


@pytest.mark.parametrize("name", EARLIER)
def test_every_earlier_form_reads_and_survives_the_present_one(name):
    """What is read from it is what is read after it was written anew."""
    found, steps = upgraded(EARLIER[name])
    assert found["schema_version"] == SCHEMA_VERSION
    assert steps == tuple(step.name for step in MIGRATIONS)
    read = decode_registry(json.dumps(EARLIER[name]).encode())
    assert decode_registry(encode_registry(read)) == read


def test_the_present_form_is_not_touched():
    """No step applies to it."""
    document = {"schema_version": SCHEMA_VERSION, "experiments": [EXPERIMENT]}
    assert upgraded(document) == (document, ())


@pytest.mark.long
@given(documents([EARLIER["template"]]))
def test_what_reads_in_the_older_form_can_be_written_in_the_present_one(document):
    """No experiment is readable until its first change of state and lost with it."""
    try:
        read = decode_registry(json.dumps(document).encode())
    except CorruptStoreError:
        return
    assert decode_registry(encode_registry(read)) == read


@pytest.mark.parametrize("version", [2, 99, 10**30])
def test_the_future_is_refused_politely(version):
    """A newer program wrote it: say so and what to do, and do not guess."""
    with pytest.raises(CorruptStoreError, match="newer meta-experiment") as caught:
        decode_registry(json.dumps({"schema_version": version, "experiments": 5}).encode())
    assert "Update" in caught.value.hint


@pytest.mark.parametrize("version", [0, -1, True, 1.0, 2.5, "1", [], {}])
def test_no_form_is_guessed(version):
    """A version that no program wrote is damage."""
    with pytest.raises(CorruptStoreError, match="schema version"):
        decode_registry(json.dumps({"schema_version": version, "experiments": []}).encode())


def test_reading_rewrites_nothing_and_the_first_change_keeps_the_earlier_text(project):
    """The template is analysed in place; changing a status backs it up first, byte for byte."""
    path = project.root / ".claude/meta/experiments.json"
    path.parent.mkdir(parents=True)
    text = json.dumps(EARLIER["template"], indent=3).encode() + b"\n\n"
    path.write_bytes(text)
    for call in (("status",), ("analyze", TEMPLATE["id"]), ("verify",), ("check",)):
        project(*call, code=1 if call == ("verify",) else 0)
        assert path.read_bytes() == text
    project("pause", TEMPLATE["id"])
    assert json.loads(path.read_bytes())["schema_version"] == SCHEMA_VERSION
    backups = [
        item.read_bytes() for item in path.parent.glob("backups/experiments.json.earlier-*")
    ]
    assert backups == [text]
    assert len(decode_registry(path.read_bytes())[0].inline_trials) == 3
