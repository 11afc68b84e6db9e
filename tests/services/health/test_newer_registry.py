"""What only a newer version knows is not read as less, not replaced, and no damage."""

import json

import pytest
from tests.cli.conftest import COMMAND, project
from tests.everyday import some
from tests.store.making import experiment

from meta_experiment.errors import CorruptStoreError, NewerVersionError
from meta_experiment.model.known_fields import Entries, Fields, unknown
from meta_experiment.model.plan_document import PLAN_FIELDS, plan_to_document
from meta_experiment.model.registry import decode_registry, encode_registry

__all__ = ["project"]


def at(document, *places):
    for place in places:
        document = document[place]
    return document


ENTRY = ("experiments", 0)
FUTURE = {
    "a version": ((), "schema_version", 2),
    "a far version": ((), "schema_version", 10**6),
    "a version in two numbers": ((), "schema_version", 2.1),
    "a version in words": ((), "schema_version", "2.0-beta"),
    "a version in parts": ((), "schema_version", {"major": 2}),
    "a field of the registry": ((), "teams", []),
    "a field of an experiment": (ENTRY, "holdout", 0.1),
    "a field of a plan": ((*ENTRY, "plan"), "cluster", ["x"]),
    "a field of a metric": ((*ENTRY, "plan", "metrics", "primary"), "family", "rate"),
    "a field of a guardrail": ((*ENTRY, "plan", "metrics", "guardrails", 0), "family", "rate"),
    "a field of a variant": ((*ENTRY, "plan", "variants", 1), "model", "x"),
    "a field of the rule": ((*ENTRY, "plan", "stopping"), "prior", 1),
    "a field of a file": ((*ENTRY, "files", COMMAND, "control"), "size", 1),
    "a field of an outcome": ((*ENTRY, "outcomes", 0), "learned", "x"),
    "a status": (ENTRY, "status", "holding"),
    "a rule": ((*ENTRY, "plan", "stopping"), "rule", "group_sequential"),
    "an assignment": ((*ENTRY, "plan", "assignment"), "method", "minimisation"),
    "a reason": ((*ENTRY, "outcomes", 0), "reason_code", "bayes_factor"),
}  # fmt: skip


@pytest.fixture
def ended(project):
    made = project.create("--guardrail", "output_tokens:20%")
    project("stop", made)
    return project.root / ".claude/meta/experiments.json"


@pytest.mark.parametrize("future", some(FUTURE, 5))
def test_recover_names_the_future_and_leaves_it(project, ended, future):
    """No command writes over it, and none reads it as if the new thing were not there."""
    where, name, value = FUTURE[future]
    document = json.loads(ended.read_bytes())
    at(document, *where)[name] = value
    written = json.dumps(document)
    ended.write_text(written)
    for call in (("recover",), ("repair",)):
        error = project(*call, "--json", code=1).error
        assert error["kind"] == "corrupt_store"
        assert "not damaged" in error["message"]
        assert "newer" in error["message"]
        assert "claude plugin update" in error["hint"]
    for call in (
        ("status",),
        ("panic",),
        ("create", "--file", ".claude/commands/review.md=v2.md"),
    ):
        error = project(*call, "--json", code=1).error
        assert error["kind"] == "corrupt_store"
        assert "newer" in error["message"]
    assert ended.read_text() == written


DAMAGE = {
    "cut short": lambda text: text[: len(text) // 2],
    "no JSON": lambda text: "<<<<<<< ours\n" + text,
    "a field that is gone": lambda text: text.replace('"plan_sha256"', '"x"', 1).replace(
        '"x"', '"created"', 1
    ),
    "a number for a text": lambda text: text.replace('"name": "review (command)"', '"name": 5'),
    "no version": lambda text: text.replace('"schema_version": 1', '"schema_version": true'),
    "a version that is none": lambda text: text.replace('_version": 1', '_version": null'),
    "a version that is gone": lambda text: text.replace('"schema_version": 1,', ""),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_recover_brings_back_what_is_damaged(project, ended, damage):
    """What cannot be read at all, or is of our own version and impossible."""
    before = ended.read_text()
    spoiled = DAMAGE[damage](before)
    assert spoiled != before
    ended.write_text(spoiled)
    said = project("recover").out
    assert "was damaged" in said
    assert ended.read_text() == before
    (kept,) = (ended.parent / "backups").glob("experiments.json.damaged-*")
    assert kept.read_text() == spoiled


def test_a_copy_that_a_newer_version_kept_is_not_lost(project, ended):
    """As after going back to an older version of the plugin."""
    copy = ended.parent / "backups" / "experiments.json"
    document = json.loads(ended.read_bytes()) | {"schema_version": 2}
    copy.write_text(json.dumps(document))
    newer = copy.read_bytes()
    project.create()
    kept = [path.read_bytes() for path in copy.parent.glob("experiments.json.earlier-*")]
    assert kept == [newer]


def test_every_field_that_is_written_is_known():
    """The shape has all that the encoders write, and nothing passes for known by chance."""
    whole = experiment()
    registry = json.loads(encode_registry([whole]))
    assert decode_registry(encode_registry([whole])) == [whole]
    assert unknown(plan_to_document(whole.plan), PLAN_FIELDS) is None
    for place in ((), ENTRY, (*ENTRY, "plan"), (*ENTRY, "plan", "targets")):
        changed = json.loads(json.dumps(registry))
        at(changed, *place)["zz"] = None
        with pytest.raises(NewerVersionError, match="zz"):
            decode_registry(json.dumps(changed).encode())
    with pytest.raises(CorruptStoreError) as caught:
        decode_registry(b'{"schema_version": 1, "experiments": [{}]}')
    assert not isinstance(caught.value, NewerVersionError)


def test_a_shape_looks_into_lists_and_named_things():
    """And passes over what is of another form: that is for reading to refuse."""
    form = Fields(
        ("a", "b"), {"a": [Fields(("x",), {"x": frozenset({"yes"})})], "b": Entries(None)}
    )
    whole = {"a": [{"x": "yes"}, {"x": 5}, 7], "b": {"any": {"thing": 1}}}
    assert unknown(whole, form) is None
    assert unknown({"a": [{"x": "yes"}, {"x": "no"}]}, form) == "a[1].x 'no'"
    assert unknown({"a": [{"y": 1}]}, form) == "a[0].y"
    assert unknown({"c": 1}, form) == "c"
    assert unknown({"a": 5, "b": []}, form) is None
    assert unknown([], form) is None
