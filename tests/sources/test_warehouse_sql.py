"""The queries for engines that are not here are what these engines can parse."""

from itertools import product

import pytest
import sqlglot
from tests.support.warehouse_rows import EXPOSURE, METRICS, mapping_of, plan_of

from meta_experiment.errors import UsageError
from meta_experiment.sources.warehouse.assumed import DIALECTS, assumed_tables, written_queries
from meta_experiment.sources.warehouse.collecting import Period, queries
from meta_experiment.sources.warehouse.sought import sought
from meta_experiment.types.mapping import TimeForm, UnitAggregate

PAST = {"past": {"table": "calls", "at": "at", "value": "cost", "aggregate": "sum",
                 "window": {"days": 7}}}  # fmt: skip
LONG = [pytest.param(name, marks=pytest.mark.long) for name in DIALECTS[1:]]


@pytest.mark.parametrize("dialect", [DIALECTS[0], *LONG])
def test_queries_are_written_in_the_words_of_every_engine(dialect):
    mapping = mapping_of({"shown": "app.shown", "calls": "app.calls"}, metrics=METRICS,
                         covariates=PAST)  # fmt: skip
    wanted = ["success", "duration_seconds.p90", "cost_usd.per.success"]
    plan = plan_of("cost_usd", wanted, covariates=["past"])
    asked = queries(
        assumed_tables(mapping), mapping, ["control", "treatment"], sought(plan, mapping),
        Period(1.8e9),
    )  # fmt: skip
    found = written_queries(asked, dialect)
    assert set(found) == {"sums", "values of duration_seconds.p90"}
    for query in found.values():
        (tree,) = sqlglot.parse(query, dialect=dialect)
        tables = [item for item in tree.find_all(sqlglot.exp.Table) if item.db]
        assert {(item.db, item.name) for item in tables} == {("app", "shown"), ("app", "calls")}
        if dialect == "bigquery":  # whose moments without a zone are no TIMESTAMP
            assert not list(tree.find_all(sqlglot.exp.TimestampAdd, sqlglot.exp.TimestampSub))
            of_days = list(tree.find_all(sqlglot.exp.UnixSeconds))
            assert of_days
            assert all(isinstance(item.this, sqlglot.exp.Cast) for item in of_days)


def test_no_truth_is_turned_into_a_fraction_at_once():
    """PostgreSQL and BigQuery refuse that; by way of a whole number all of them can."""
    metrics = {**METRICS, "success": {"table": "calls", "at": "at", "aggregate": "any"}}
    past = {"past": {**PAST["past"], "aggregate": "mean"}}
    mapping = mapping_of({"shown": "app.shown", "calls": "app.calls"}, metrics=metrics,
                         covariates=past)  # fmt: skip
    plan = plan_of("cost_usd", ["success", "cost_usd.per.success"], covariates=["past"])
    asked = queries(
        assumed_tables(mapping), mapping, ["control", "treatment"], sought(plan, mapping),
        Period(1.8e9),
    )  # fmt: skip
    truths = (sqlglot.exp.Predicate, sqlglot.exp.Not, sqlglot.exp.Boolean)
    fractions = 0
    for query in written_queries(asked, "bigquery").values():
        for cast in sqlglot.parse_one(query, dialect="bigquery").find_all(sqlglot.exp.Cast):
            if cast.to.this in (
                sqlglot.exp.DataType.Type.DOUBLE,
                sqlglot.exp.DataType.Type.FLOAT,
            ):
                fractions += 1
                assert not isinstance(cast.this.unnest(), truths), cast.sql()
    assert fractions


CALL = {"table": "calls", "at": "at", "value": "cost"}
FILTERS = {
    "equals": "it's", "differs": "x", "below": 3, "at_most": 3, "above": 3.5, "at_least": 1,
    "in": ["a", "b"], "not_in": [1, 2], "missing": True, "present": True,
}  # fmt: skip
FORMS = [form for form in TimeForm if form is not TimeForm.TIMESTAMP]
SAID = {  # parts of the language, by metrics that say them
    "aggregates": {
        "metrics": {name: {**CALL, "aggregate": name} for name in UnitAggregate},
        "covariates": {"past": {**CALL, "window": {"days": 7}}},
    },
    "filters": {
        "metrics": {
            name: {**CALL, "aggregate": "sum", "where": [{"column": f"c_{name}", name: value}]}
            for name, value in FILTERS.items()
        },
        "exposure": {**EXPOSURE, "where": [{"column": "real", "equals": True}]},
    },
    "zones": {"metrics": {"sum": {**CALL, "aggregate": "sum"}}, "zone": "Asia/Tokyo"},
    "no time": {
        "metrics": {"sum": {"value": "cost", "aggregate": "sum"}},
        "exposure": {key: item for key, item in EXPOSURE.items() if key != "at"},
        "window": None,
    },
    "forms": {
        "metrics": {
            form: {**CALL, "at": {"column": f"at_{form}", "form": form}} for form in FORMS
        },
        "exposure": {**EXPOSURE, "at": {"column": "at", "form": FORMS[0]}},
    },
    "paths": {
        "metrics": {
            "sum": {**CALL, "value": {"column": "body", "path": ["a.b", "c"]},
                    "unit": {"column": "attributes", "path": ["user.id"]}}
        },
    },
}  # fmt: skip
LACKING = {("clickhouse", "forms"): "(form)", ("clickhouse", "paths"): "(path)"}
ELSEWHERE = ("bigquery", "clickhouse", "databricks", "snowflake")
EVERYDAY = {("clickhouse", "paths"), ("clickhouse", "forms"), ("snowflake", "zones")}


@pytest.mark.parametrize(
    ("dialect", "part"),
    [
        pytest.param(*case, marks=() if case in EVERYDAY else pytest.mark.long)
        for case in product(ELSEWHERE, SAID)
    ],
)
def test_all_that_a_mapping_says_is_written_or_refused(dialect, part):
    said = SAID[part]
    metrics = {f"{name}_cost": item for name, item in said["metrics"].items()}
    first, *others = ({"name": name, "direction": "lower", "scale": "raw"} for name in metrics)
    mapping = mapping_of(
        {"shown": "app.shown", "calls": "app.calls"}, **{**said, "metrics": metrics}
    )
    plan = plan_of(
        metrics={"primary": first, "secondary": others},
        covariates=[*said.get("covariates", {})],
    )
    asked = queries(
        assumed_tables(mapping), mapping, ["control", "treatment"], sought(plan, mapping),
        Period(1.8e9),
    )  # fmt: skip
    lacking = LACKING.get((dialect, part))
    if lacking:
        with pytest.raises(UsageError) as caught:
            written_queries(asked, dialect)
        assert f"{dialect} cannot be asked for" in caught.value.message
        assert lacking in caught.value.message
        assert "Read a view" in caught.value.hint
        return
    for query in written_queries(asked, dialect).values():
        (tree,) = sqlglot.parse(query, dialect=dialect)
        assert tree.find(sqlglot.exp.Select)
