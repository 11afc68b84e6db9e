"""A plan file whose form is wrong is answered by an example of the right one."""

import json
from pathlib import Path

import pytest
import yaml

from meta_experiment.errors import UsageError
from meta_experiment.model.plan_document import PLAN_KEYS
from meta_experiment.model.plan_shape import SHAPES, require_shape
from meta_experiment.services.planning.request import from_plan, read_plan

SCHEMA = json.loads(
    (Path(__file__).resolve().parents[2] / "schemas" / "plan.v1.schema.json").read_bytes()
)
FILES = {".claude/commands/review.md": "v2.md"}
CONTINUAL = "continual"
WRONG = ("word", "", 3, 1.5, True, -1, ["word"], [3], [[]], {}, {"a": 1}, {"a": ["b"]}, {1: 2})


def names(schema):
    """Return the places of all fields that the schema of a plan knows, in our own form."""
    for name, described in schema["properties"].items():
        if name == CONTINUAL:  # another form of a ramp, which is ours once it is read
            continue
        yield name
        for inner in described.get("properties", ()):
            yield f"{name}.{inner}"


def test_every_field_of_a_plan_has_a_shape():
    assert set(SHAPES) == set(names(SCHEMA))
    assert {place for place in SHAPES if "." not in place} == PLAN_KEYS


@pytest.mark.parametrize("place", SHAPES)
def test_an_example_has_its_own_shape(place):
    (name, value), *more = yaml.safe_load(SHAPES[place].example).items()
    assert (name, more) == (place.rpartition(".")[2], [])
    assert SHAPES[place].fits(value)


def test_a_list_of_files_is_told_what_was_expected():
    with pytest.raises(UsageError) as refusal:
        require_shape({"files": ["review.md"]})
    assert "each prompt file with the file that holds its new text" in refusal.value.message
    assert (
        refusal.value.hint == "For example: files: {.claude/commands/review.md: review-v2.md}"
    )


def test_a_misspelled_field_is_told_the_right_one():
    with pytest.raises(UsageError, match="no field 'flies'") as refusal:
        require_shape({"flies": FILES})
    assert refusal.value.hint == "Did you mean 'files'?"


@pytest.mark.parametrize("place", ["plan", *SHAPES])
def test_whatever_stands_in_a_field_is_a_plan_or_is_refused_with_an_example(tmp_path, place):
    """No value of any form ends in anything else, all the way to the document."""
    section, _, field = place.rpartition(".")
    for value in WRONG:
        inner = {field: value} if section else value
        plan = {"files": FILES, "name": "x"} | {section or field: inner}
        file = tmp_path / "plan.yaml"
        file.write_text(yaml.safe_dump(value if place == "plan" else plan), "utf-8")
        try:
            from_plan(read_plan(file), tmp_path)
        except UsageError as refusal:
            told = refusal.hint or refusal.message
            assert "For example" in told or "variant" in told or "no field" in told, told


@pytest.mark.parametrize("place", [place for place in SHAPES if place != "files"])
def test_a_field_with_nothing_behind_it_is_as_if_it_were_not_there(place):
    """`alpha:` alone has the default of `alpha`, in every section."""
    section, _, field = place.rpartition(".")
    said = require_shape({"files": FILES, section or field: {field: None} if section else None})
    assert said == {"files": FILES, **({section: {}} if section else {})}


@pytest.mark.parametrize("place", ["seed", "tags", "targets.max_regression"])
@pytest.mark.parametrize("name", ["plan.yaml", "plan.json"])
def test_a_number_of_thousands_of_digits_is_refused_in_a_sentence(tmp_path, name, place):
    """Python would end in a traceback where it is to stand in a message."""
    digits = "0x" + "f" * 5000 if name == "plan.yaml" else "1" * 5000
    section, _, field = place.rpartition(".")
    value = f"[{digits}]" if field == "tags" else digits
    text = f'{{"{section}": {{"{field}": {value}}}}}' if section else f'{{"{field}": {value}}}'
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match="a number of more than 100 digits"):
        read_plan(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "number"), [("1e-6", "1.0e-6"), ("2E3", "2.0e+3"), ("0.05", "0.05")]
)
def test_a_number_that_yaml_takes_for_a_text_is_written_as_it_reads_it(text, number):
    with pytest.raises(UsageError) as refused:
        require_shape({"files": FILES, "stopping": {"alpha": text}})
    assert refused.value.hint.endswith(f"write {number}")
    yaml = pytest.importorskip("yaml")
    assert yaml.safe_load(number) == float(text)
    with pytest.raises(UsageError) as refused:
        require_shape({"files": FILES, "stopping": {"alpha": "small"}})
    assert refused.value.hint == "For example: alpha: 0.05"
