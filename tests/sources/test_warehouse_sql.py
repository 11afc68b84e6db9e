"""The queries for engines that are not here are what these engines can parse."""

import pytest
import sqlglot
from tests.support.warehouse_rows import METRICS, mapping_of, plan_of

from meta_experiment.sources.warehouse.assumed import DIALECTS, assumed_tables, written_queries
from meta_experiment.sources.warehouse.collecting import Period, queries
from meta_experiment.sources.warehouse.sought import sought

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
        assert {item.name for item in tree.find_all(sqlglot.exp.Table)} >= {"shown", "calls"}
