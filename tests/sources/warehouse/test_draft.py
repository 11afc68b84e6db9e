"""A draft of a mapping names what it guesses, and can be collected by once it is right."""

import pytest
import yaml

from meta_experiment.model.mapping_document import mapping_from_document
from meta_experiment.sources.warehouse.draft import draft_mapping
from meta_experiment.types.found_table import ColumnKind, FoundColumn, FoundTable
from meta_experiment.types.mapping import EventTable


def table(name, **columns):
    return FoundTable(
        name,
        EventTable(table=name),
        tuple(
            FoundColumn(column, kind, tuple(values))
            for column, (kind, *values) in columns.items()
        ),
    )


EXPOSED = table(
    "assignments",
    userId=(ColumnKind.TEXT,),
    experiment_group=(ColumnKind.TEXT, "new", "old"),
    exposedAt=(ColumnKind.MOMENT,),
)


def test_unit_time_variant_and_values_are_guessed_by_name_and_type():
    bought = table(
        "orders",
        order_id=(ColumnKind.WHOLE,),
        userId=(ColumnKind.TEXT,),
        created_at=(ColumnKind.MOMENT,),
        price=(ColumnKind.NUMBER,),
        is_failed=(ColumnKind.FLAG, "false", "true"),
    )
    text = draft_mapping([bought, EXPOSED])
    found = yaml.safe_load(text)
    exposure = found["exposure"]
    assert exposure["table"] == "assignments"
    assert (exposure["unit"], exposure["variant"], exposure["at"]) == (
        "userId", "experiment_group", "exposedAt",
    )  # fmt: skip
    assert exposure["variants"] == {"new": "new", "old": "old"}
    assert found["metrics"]["price"] == {
        "table": "orders", "value": "price", "aggregate": "sum", "at": "created_at",
    }  # fmt: skip
    assert found["metrics"]["is_failed"]["aggregate"] == "any"
    assert "order_id" not in found["metrics"]
    mapping_from_document(found)


def test_what_no_column_looks_like_is_left_empty_and_said():
    text = draft_mapping([table("t", a=(ColumnKind.TEXT,), b=(ColumnKind.OTHER,))])
    found = yaml.safe_load(text)
    assert found["exposure"]["unit"] is None
    assert "no column looks like it, name it here" in text


@pytest.mark.parametrize("name", ["on", "a: b", "x # y", 'quo"te', "новый", "a\nb", "-", "1"])
def test_awkward_names_are_written_so_that_they_are_read_again(name):
    odd = FoundTable(
        name,
        EventTable(path=name),
        (
            FoundColumn("session_id", ColumnKind.TEXT),
            FoundColumn("variant", ColumnKind.TEXT, (name, "other")),
            FoundColumn("cost", ColumnKind.NUMBER),
        ),
    )
    found = yaml.safe_load(draft_mapping([odd]))
    assert found["tables"] == {name: {"path": name}}
    assert found["exposure"]["table"] == name
    assert set(found["exposure"]["variants"]) == {name, "other"}
