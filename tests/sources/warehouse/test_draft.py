"""A draft of a mapping names what it guesses, and can be collected by once it is right."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from tests.support.warehouse_rows import FIRST_DAY, plan_of

from meta_experiment.model.mapping_document import mapping_from_document
from meta_experiment.services.importing.drafting import _stem
from meta_experiment.sources.warehouse.collecting import Period, collect
from meta_experiment.sources.warehouse.draft import draft_mapping
from meta_experiment.sources.warehouse.engines import opened
from meta_experiment.sources.warehouse.finding import found_table
from meta_experiment.sources.warehouse.sought import sought
from meta_experiment.types.found_table import ColumnKind, FoundColumn, FoundTable
from meta_experiment.types.mapping import EventTable

SCHEMA = Path(__file__).parents[3] / "schemas" / "mapping.v1.schema.json"


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


def lines(*rows):
    return "".join(f"{json.dumps(row)}\n" for row in rows)


FOREIGN = {
    "growthbook": (  # its documented table of views, and orders
        {
            "experiment_viewed.csv": "received_at,user_id,anonymous_id,experiment_id,"
            "variation_id,browser\n2026-11-01 10:00:00,u1,a1,exp,0,x\n"
            "2026-11-01 10:00:00,u2,a2,exp,1,x\n2026-11-01 10:00:00,u3,a3,other,1,x\n",
            "orders.csv": "id,user_id,received_at,amount,qty\n1,u1,2026-11-01 10:30:00,3,1\n"
            "2,u2,2026-11-01 10:40:00,5,1\n3,u3,2026-11-01 10:40:00,9,1\n",
        },
        {"control": 3.0, "treatment": 5.0},
    ),
    "eppo": (  # assignments, and facts that call the subject otherwise
        {
            "assignments.csv": "user_id,timestamp,experiment,variation\n"
            "u1,2026-11-01 10:00:00,exp,on\nu2,2026-11-01 10:00:00,exp,off\n",
            "fact_revenue.csv": "entity_id,ts,revenue_value\nu1,2026-11-01 10:30:00,3\n"
            "u2,2026-11-01 10:40:00,5\n",
        },
        {"control": 5.0, "treatment": 3.0},
    ),
    "launchdarkly": (  # events of an export, whose values are the plan's variants
        {
            "events.jsonl": lines(
                *(
                    {
                        "kind": "feature", "creationDate": 1793527200000, "userKey": f"u{at}",
                        "variation": at, "value": ("treatment", "control")[at],
                        "cost": 2.0 + at,
                    }
                    for at in (0, 1)
                )
            )
        },
        {"control": 3.0, "treatment": 2.0},
    ),
    "odd names": (
        {
            "my.select.v1.csv": '"group","user.id","when 🕐","cost ""usd"""\n'
            "old,u1,2026-11-01 10:00:00,4\nnew,u2,2026-11-01 10:00:00,6\n",
            "my.select.v2.csv": "a,b\n1,2\n",
        },
        {"control": 4.0, "treatment": 6.0},
    ),
}  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("name", FOREIGN)
def test_tables_of_others_are_drafted_so_that_they_can_be_collected(name, tmp_path):
    files, expected = FOREIGN[name]
    for file, text in files.items():
        (tmp_path / file).write_text(text)
    plan = plan_of()
    with opened(None) as engine:
        places = {_stem(tmp_path / file): EventTable(path=file) for file in files}
        assert len(places) == len(files)
        tables = [
            found_table(table, place, engine.table(place, table, str(tmp_path)))
            for table, place in places.items()
        ]
        document = yaml.safe_load(draft_mapping(tables, plan, "exp"))
        jsonschema.validate(document, json.loads(SCHEMA.read_text()))
        mapping = mapping_from_document(document, str(tmp_path))
        later = Period(FIRST_DAY.timestamp() + 40 * 86400)
        arms = [item.name for item in plan.variants]
        sums, _ = collect(engine, mapping, arms, sought(plan, mapping), later)
    assert {
        day.variant: day.metrics["cost_usd"].joint.centres[0] for day in sums.days
    } == expected
