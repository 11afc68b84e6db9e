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


def stream(exposed, happened, at="2026-11-01 10:%02d:00"):
    """Return a text of six exposures and what each of the six did, in one stream of events."""
    arms = ("control", "treatment")
    return lines(
        *(exposed(f"u{number}", arms[number % 2], at % 0) for number in range(6)),
        *(happened(f"u{number}", 1.5 + number, at % 5) for number in range(6)),
    )


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
    "launchdarkly, custom events": (  # of its streaming export
        {
            "export.jsonl": stream(
                lambda unit, arm, _: {
                    "kind": "feature", "key": "exp", "creationDate": 1793527200000,
                    "contextKeys": {"user": unit}, "variation": 0, "value": arm,
                },
                lambda unit, value, _: {
                    "kind": "custom", "key": "cost_usd", "creationDate": 1793527260000,
                    "contextKeys": {"user": unit}, "metricValue": value,
                },
            )
        },
        {"control": 3.5, "treatment": 4.5},
    ),
    "amplitude": (
        {
            "export.jsonl": stream(
                lambda unit, arm, at: {
                    "event_type": "$exposure", "event_time": at, "user_id": unit,
                    "event_properties": {"flag_key": "exp", "variant": arm},
                },
                lambda unit, value, at: {
                    "event_type": "run", "event_time": at, "user_id": unit,
                    "event_properties": {"cost_usd": value},
                },
            )
        },
        {"control": 3.5, "treatment": 4.5},
    ),
    "posthog": (
        {
            "export.jsonl": stream(
                lambda unit, arm, at: {
                    "event": "$feature_flag_called", "timestamp": at, "distinct_id": unit,
                    "properties": {"$feature_flag": "exp", "$feature_flag_response": arm},
                },
                lambda unit, value, at: {
                    "event": "run", "timestamp": at, "distinct_id": unit,
                    "properties": {"cost_usd": value},
                },
            )
        },
        {"control": 3.5, "treatment": 4.5},
    ),
    "mixpanel": (
        {
            "export.jsonl": stream(
                lambda unit, arm, _: {
                    "event": "$experiment_started",
                    "properties": {"time": 1793527200, "distinct_id": unit,
                                   "Experiment name": "exp", "Variant name": arm},
                },
                lambda unit, value, _: {
                    "event": "run",
                    "properties": {"time": 1793527500, "distinct_id": unit, "cost_usd": value},
                },
            )
        },
        {"control": 3.5, "treatment": 4.5},
    ),
    "statsig": (  # exposures that it forwards, and events with a name and a value
        {
            "exposures.csv": "experiment_id,group_id,group_name,user_id,stable_id,timestamp\n"
            "exp,g1,control,u1,s1,2026-11-01 10:00:00\n"
            "exp,g2,treatment,u2,s2,2026-11-01 10:00:00\n",
            "events.csv": "event_name,user_id,timestamp,value\n"
            "cost_usd,u1,2026-11-01 10:05:00,3\nseen,u1,2026-11-01 10:05:00,900\n"
            "cost_usd,u2,2026-11-01 10:05:00,5\n",
        },
        {"control": 3.0, "treatment": 5.0},
    ),
    "segment": (  # a table for each event
        {
            "experiment_viewed.csv": "id,anonymous_id,user_id,received_at,timestamp,event,"
            "experiment_name,variation_id,variation_name\n"
            "e1,a1,u1,2026-11-01 10:00:01,2026-11-01 10:00:00,x,exp,v1,control\n"
            "e2,a2,u2,2026-11-01 10:00:01,2026-11-01 10:00:00,x,exp,v2,treatment\n",
            "run.csv": "id,anonymous_id,user_id,received_at,timestamp,event,cost_usd\n"
            "e1,a1,u1,2026-11-01 10:05:01,2026-11-01 10:05:00,run,3\n"
            "e2,a2,u2,2026-11-01 10:05:01,2026-11-01 10:05:00,run,5\n",
        },
        {"control": 3.0, "treatment": 5.0},
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


def test_a_draft_says_exactly_what_it_could_not_find(tmp_path):
    """GA4 keeps what it knows of an event in a list, into which a mapping cannot look."""
    (tmp_path / "events.jsonl").write_text(
        stream(
            lambda unit, arm, _: {
                "event_timestamp": 1793527200000000, "event_name": "shown",
                "user_pseudo_id": unit,
                "event_params": [{"key": "exp_variant_string", "value": {"string_value": arm}}],
            },
            lambda unit, value, _: {
                "event_timestamp": 1793527260000000, "event_name": "purchase",
                "user_pseudo_id": unit, "event_value_in_usd": value, "event_params": [],
            },
        )
    )  # fmt: skip
    place = EventTable(path="events.jsonl")
    with opened(None) as engine:
        found = found_table("events", place, engine.table(place, "events", str(tmp_path)))
    text = draft_mapping([found], plan_of(secondary=["success"]), "exp")
    *_, said, why = text.splitlines()
    assert said == (
        "# Not found, to be filled in before this is a mapping: exposure.variant; "
        "exposure.variants (control, treatment); metrics.success."
    )
    assert why == "#   event_params is a list: read a view with its items as columns."
    document = yaml.safe_load(text)
    assert document["exposure"]["unit"] == "user_pseudo_id"
    assert document["exposure"]["at"] == {"column": "event_timestamp", "form": "microseconds"}
    assert document["metrics"]["cost_usd"]["value"] == "event_value_in_usd"


def test_of_several_experiments_it_is_asked_which(tmp_path):
    (tmp_path / "shown.csv").write_text(
        "user_id,flag_key,variant,at\nu1,one,control,2026-11-01\nu2,two,treatment,2026-11-01\n"
    )
    place = EventTable(path="shown.csv")
    with opened(None) as engine:
        found = found_table("shown", place, engine.table(place, "shown", str(tmp_path)))
    text = draft_mapping([found], plan_of(), "exp")
    assert "  # Of which experiment, by flag_key?" in text
