"""A mapping says where the data of an experiment lie; what is wrong in it is named."""

import json

import jsonschema
import pytest
from tests.schemas.generate import file_of

from meta_experiment.errors import UsageError
from meta_experiment.model import mapping_document
from meta_experiment.model.mapping_document import mapping_from_document
from meta_experiment.types.mapping import (
    EventColumn,
    FilterOperator,
    TimeForm,
    UnitAggregate,
)

SCHEMA = json.loads(file_of("mapping").read_bytes())
WHOLE = {
    "tables": {"shown": "public.exposures", "calls": {"path": "calls/*.parquet"}},
    "exposure": {
        "table": "shown",
        "unit": "user_id",
        "variant": "arm",
        "variants": {"A": "control", "B": "treatment"},
        "at": "shown_at",
        "where": [{"column": "country", "in": ["DE", "FR"]}],
    },
    "window": {"days": 1, "hours": 12},
    "lateness": {"hours": 6},
    "as_of": "2026-11-30",
    "metrics": {
        "cost_usd": {
            "table": "calls",
            "unit": {"column": "attributes", "path": ["user.id"]},
            "at": {"column": "time", "form": "nanoseconds"},
            "value": "cost",
            "aggregate": "sum",
            "where": [
                {"column": "status", "equals": "ok"},
                {"column": "cost", "present": True},
            ],
        },
        "success": {"table": "calls", "at": "done_at", "aggregate": "any"},
    },
    "covariates": {
        "own_past": {"table": "calls", "at": "done_at", "value": "cost", "window": {"days": 7}}
    },
}


def changed(*path, to):
    """Return the whole mapping with one place changed; None takes it away."""
    document = json.loads(json.dumps(WHOLE))
    place = document
    for key in path[:-1]:
        place = place[key]
    if to is None:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return document


def refusal(document):
    with pytest.raises(UsageError) as caught:
        mapping_from_document(document)
    return f"{caught.value.message} {caught.value.hint or ''}"


def test_a_whole_mapping_is_read():
    found = mapping_from_document(WHOLE, "/data")
    assert found.exposure.variants == {"A": "control", "B": "treatment"}
    assert found.metrics["success"].window == 1.5 * 86400
    assert found.lateness == 6 * 3600
    cost = found.metrics["cost_usd"]
    assert cost.unit == EventColumn("attributes", ("user.id",))
    assert cost.at.form is TimeForm.NANOSECONDS
    assert (cost.aggregate, cost.zero) == (UnitAggregate.SUM, True)
    assert [item.operator for item in cost.where] == [
        FilterOperator.EQUALS,
        FilterOperator.PRESENT,
    ]
    assert found.metrics["success"].value is None
    assert found.covariates["own_past"].window == 7 * 86400
    assert found.covariates["own_past"].zero is False
    assert found.folder == "/data"


def test_the_schema_takes_what_is_read_and_knows_the_same_fields():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(WHOLE, SCHEMA)
    events, shapes = SCHEMA["$defs"]["events"], SCHEMA["$defs"]
    assert set(SCHEMA["properties"]) == mapping_document.MAPPING_KEYS
    assert set(SCHEMA["properties"]["exposure"]["properties"]) == mapping_document.EXPOSURE_KEYS
    assert set(events["properties"]) == mapping_document.EVENT_KEYS
    assert set(shapes["where"]["items"]["properties"]) == mapping_document.FILTER_KEYS
    assert set(shapes["time"]["anyOf"][1]["properties"]) == mapping_document.TIME_KEYS
    assert set(shapes["duration"]["properties"]) == set(mapping_document.SECONDS_OF)
    assert events["properties"]["aggregate"]["enum"] == [item.value for item in UnitAggregate]


@pytest.mark.parametrize(
    ("path", "to", "said"),
    [
        (("metrics", "cost_usd", "agregate"), "sum", "Did you mean 'aggregate'"),
        (("metrics", "cost_usd", "table"), "cals", "Did you mean 'calls'"),
        (("metrics", "cost_usd", "aggregate"), "total", "metrics.cost_usd.aggregate"),
        (("metrics", "cost_usd", "value"), None, "metrics.cost_usd.value"),
        (("metrics", "cost_usd", "at"), None, "expected at"),
        (("window",), None, "expected window"),
        (("exposure", "variants"), {}, "exposure.variants"),
        (("exposure", "unit"), None, "exposure.unit"),
        (
            ("exposure", "where"),
            [{"column": "a"}],
            "exposure.where[0]: expected one comparison",
        ),
        (("exposure", "where"), [{"column": "a", "in": "DE"}], "expected a list of values"),
        (("exposure", "at"), None, "covariates: what was before"),
        (("window",), {"weeks": 1}, "mapping.window: there is no field 'weeks'"),
        (("metrics",), {}, "metrics: there is none"),
        (("as_of",), "soon", "mapping.as_of"),
        (("window",), {"seconds": 0.5}, "mapping.window: expected a length of time in whole"),
        (("window",), {"days": 99999}, "up to 3,650 days"),
        *(
            (("exposure", "where"), [{"column": "a", "below": value}], "expected a text, a num")
            for value in (float("inf"), float("nan"), 10**50)
        ),
        (("zone",), "Europe/Berln", "mapping.zone: there is no zone 'Europe/Berln'"),
        (("zone",), "Europe/Berln", "Did you mean 'Europe/Berlin'?"),
        (("zone",), "../../etc/passwd", "mapping.zone: there is no zone"),
        (("exposure", "at"), {"column": "t", "zone": "CET+1"}, "exposure.at.zone"),
        (
            ("metrics", "cost_usd", "at"),
            {"column": "t", "form": "seconds", "zone": "Europe/Berlin"},
            "what counts since 1970",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(path, to, said):
    assert said in refusal(changed(*path, to=to))


def test_a_zone_is_that_of_times_that_have_none_of_their_own():
    found = mapping_from_document(changed("zone", to="Europe/Berlin"))
    assert found.exposure.at.zone == "Europe/Berlin"
    assert found.metrics["cost_usd"].at.zone is None  # as it counts nanoseconds
    assert found.metrics["success"].at.zone == "Europe/Berlin"
    own = changed("exposure", "at", to={"column": "shown_at", "zone": "Asia/Tokyo"})
    found = mapping_from_document({**own, "zone": "Europe/Berlin"})
    assert found.exposure.at.zone == "Asia/Tokyo"
    jsonschema.validate({**own, "zone": "Europe/Berlin"}, SCHEMA)


def test_only_what_is_read_makes_the_digest():
    """Until when it is read may differ from one collection to the next."""
    digest = mapping_from_document(WHOLE).digest
    assert mapping_from_document(changed("as_of", to="2026-12-24")).digest == digest
    assert mapping_from_document(changed("window", to={"days": 2})).digest != digest


def test_truths_and_numbers_stand_for_variants_as_they_are_written():
    read = mapping_from_document(
        changed("exposure", "variants", to={"true": "control", "1": "treatment"})
    )
    document = json.loads(json.dumps(WHOLE))
    document["exposure"]["variants"] = {True: "control", 1.5: "treatment"}
    assert set(read.exposure.variants) == {"true", "1"}
    assert set(mapping_from_document(document).exposure.variants) == {"true", "1.5"}
