"""All that a mapping can say is understood by PostgreSQL as by the embedded engine."""

import pytest
from tests.support.warehouse_rows import (
    ARMS,
    FIRST_DAY,
    insert,
    made_up,
    mapping_of,
    plan_of,
    write_csv,
)

from meta_experiment.sources.warehouse.collecting import Period, collect
from meta_experiment.sources.warehouse.engines import opened
from meta_experiment.sources.warehouse.sought import sought
from meta_experiment.types.mapping import FilterOperator, UnitAggregate

AS_OF = FIRST_DAY.timestamp() + 40 * 86400
ROWS = made_up(60)
CALLS = {"table": "calls", "at": "at"}
VALUED = [item for item in UnitAggregate if item != UnitAggregate.COUNT]
FILTERS = {
    "equals": 1, "differs": 0, "below": 9.5, "at_most": 9, "above": 0.5, "at_least": 1,
    "in": [0, 1], "not_in": [7], "missing": True, "present": True,
}  # fmt: skip


def sums(metrics, tables, folder, engine, **more):
    """Return by day and arm what an engine makes of up to three metrics."""
    names = dict(zip(metrics, ("cost_usd", "duration_seconds", "issues_found"), strict=False))
    primary, *others = ({"name": name, "direction": "lower", "scale": "raw"}
                        for name in names.values())  # fmt: skip
    covariates = list(more.get("covariates", ()))
    plan = plan_of(metrics={"primary": primary, "secondary": others}, covariates=covariates)
    told = {names[name]: {**CALLS, **metric} for name, metric in metrics.items()}
    mapping = mapping_of(tables, folder, metrics=told, **more)
    with opened(engine) as reached:
        found, _ = collect(
            reached, mapping, list(ARMS.values()), sought(plan, mapping), Period(AS_OF)
        )
    return {
        (day.variant, day.day, name): (day.units, sums.joint.n, sums.joint.centres[0],
                                       sums.joint.among[0], sums.skipped)
        for day in found.days
        for name, sums in day.metrics.items()
    }  # fmt: skip


@pytest.fixture(scope="module")
def both(postgres_server, tmp_path_factory):
    """Return a function that asks both engines and holds one to the other."""
    folder = tmp_path_factory.mktemp("rows")
    database = postgres_server.database()
    files, tables = write_csv(ROWS, folder), insert(ROWS, postgres_server, database)
    url = postgres_server.url(database)

    def ask(metrics, **more):
        embedded = sums(metrics, files, folder, None, **more)
        pushed = sums(metrics, tables, ".", url, **more)
        assert embedded.keys() == pushed.keys()
        for key, (units, n, mean, products, skipped) in embedded.items():
            assert pushed[key][:2] == (units, n), key
            assert pushed[key][2] == pytest.approx(mean, rel=1e-9, abs=1e-12), key
            assert pushed[key][3] == pytest.approx(products, rel=1e-9, abs=1e-9), key
            assert pushed[key][4] == skipped, key
        return embedded

    return ask


def in_threes(items):
    return [items[start : start + 3] for start in range(0, len(items), 3)]


@pytest.mark.long
@pytest.mark.parametrize("aggregates", in_threes(VALUED), ids="-".join)
def test_every_aggregate_of_a_value(both, aggregates):
    both({name: {"value": "seconds", "aggregate": name} for name in aggregates})


def test_events_alone(both):
    """Without a value there is only whether, and how often."""
    where = [{"column": "ok", "equals": 1}]
    found = both({
        "any": {"aggregate": "any", "where": where},
        "count": {"aggregate": "count", "where": where},
        "any at all": {"aggregate": "any"},
    })  # fmt: skip
    assert sum(item[2] for item in found.values()) > 0


def test_there_is_a_case_of_every_filter():
    assert list(FILTERS) == [*FilterOperator]


@pytest.mark.long
@pytest.mark.parametrize("operators", in_threes(list(FILTERS)), ids="-".join)
def test_every_filter(both, operators):
    value = {"value": "cost", "aggregate": "sum"}
    both(
        {name: value | {"where": [{"column": "ok", name: FILTERS[name]}]} for name in operators}
    )


@pytest.mark.long
@pytest.mark.parametrize("aggregate", ["sum", "mean", "any"])
def test_covariates_of_which_units_have_none(both, aggregate):
    both(
        {"sum": {"value": "cost", "aggregate": "sum"}},
        covariates={
            "past": {**CALLS, "value": "ok", "aggregate": aggregate, "window": {"hours": 20}}
        },
    )
