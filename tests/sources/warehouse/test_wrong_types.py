"""A column that cannot be what the mapping says is named with its table, before any sum."""

import sqlite3
from contextlib import closing

import pytest
from tests.support.postgres import BOSS, PASSWORD
from tests.support.warehouse_rows import ARMS, EXPOSURE, FIRST_DAY, mapping_of, plan_of

from meta_experiment.errors import UsageError
from meta_experiment.sources.warehouse.collecting import Period, collect
from meta_experiment.sources.warehouse.engines import Engine, opened
from meta_experiment.sources.warehouse.sought import sought

LATER = Period(FIRST_DAY.timestamp() + 40 * 86400)
CALL = {"table": "calls", "at": "at", "value": "cost", "aggregate": "sum"}
COLUMNS = {  # of PostgreSQL: type and value
    "unit": ("text", "u1"),
    "arm": ("text", "A"),
    "at": ("timestamptz", "2026-11-01 10:00Z"),
    "cost": ("numeric", "1.5"),
    "ok": ("boolean", "true"),
    "dear": ("text", "3 USD"),
    "told": ("text", "2.5e1"),
    "price": ("money", "3.20"),
    "soon": ("text", "01/02/2026"),
    "written": ("text", "2026-11-01T10:30:00+00:00"),
    "o'clock": ("time", "10:00"),
    "born": ("date", "2026-11-01"),
    "since": ("bigint", "1793527200"),
    "body": ("json", '{"id": "u1"}'),
    "key": ("uuid", "8d0ad4a8-30c5-4b8c-9a5b-c3b3a9e0b3d1"),
    "taken": ("interval", "2 hours"),
}


@pytest.fixture(scope="module")
def address(postgres_server):
    name = postgres_server.database()
    for table in ("shown", "calls"):
        described = ", ".join(f'"{column}" {kind}' for column, (kind, _) in COLUMNS.items())
        values = ", ".join(f"'{value}'" for _, value in COLUMNS.values())
        postgres_server.run(
            f"CREATE TABLE {table} ({described})",
            f"INSERT INTO {table} VALUES ({values})",  # noqa: S608 - made up here
            database=name,
        )
    return postgres_server.url(name)


def sums(engine, tables=("shown", "calls"), folder=".", exposure=(), cost=(), past=None):
    mapping = mapping_of(
        tables if isinstance(tables, dict) else {name: name for name in tables},
        folder,
        exposure=EXPOSURE | dict(exposure),
        metrics={"cost_usd": CALL | dict(cost)},
        covariates={"past": CALL | past} if past else {},
    )
    plan = plan_of(covariates=["past"] if past else [])
    with opened(engine) as reached:
        return collect(reached, mapping, [*ARMS.values()], sought(plan, mapping), LATER)[0]


NUMBERS = "'cost', 'price', 'since'"
WRONG = {
    "unit": ({"exposure": {"unit": "body"}}, "exposure.unit", "body", "shown", "JSON",
             "{column: body, path: [KEY]}"),
    "unit of events": ({"cost": {"unit": "taken"}}, "metrics.cost_usd.unit", "taken", "calls",
                       "INTERVAL", "'unit'"),
    "variant": ({"exposure": {"variant": "body"}}, "exposure.variant", "body", "shown", "JSON",
                "path"),
    "time of day": ({"exposure": {"at": "o'clock"}}, "exposure.at", "o’clock", "shown", "TIME",
                    "'at', 'born'"),
    "count": ({"cost": {"at": "since"}}, "metrics.cost_usd.at", "since", "calls", "INT64",
              "form: seconds"),
    "form": ({"cost": {"at": {"column": "at", "form": "seconds"}}}, "metrics.cost_usd.at",
             "at", "calls", "TIMESTAMP", "Leave form out"),
    "day of month": ({"exposure": {"at": "soon"}}, "exposure.at", "soon", "shown",
                     "TEXT", "view"),
    "text": ({"cost": {"value": "dear"}}, "metrics.cost_usd.value", "dear", "calls", "TEXT",
             "not_in: ['3 USD']"),
    "date": ({"cost": {"value": "born"}}, "metrics.cost_usd.value", "born", "calls", "DATE",
             NUMBERS),
    "covariate": ({"past": {"value": "dear"}}, "covariates.past.value", "dear", "calls",
                  "TEXT", "not_in"),
    "covariate's time": ({"past": {"at": "soon"}}, "covariates.past.at", "soon", "calls",
                         "TEXT", "view"),
    "filter of truths": ({"cost": {"where": [{"column": "ok", "equals": "true"}]}},
                         "metrics.cost_usd.where[0]", "ok", "calls", "BOOLEAN",
                         "without quotes"),
    "filter of keys": ({"cost": {"where": [{"column": "key", "in": ["u1"]}]}},
                       "metrics.cost_usd.where[0]", "key", "calls", "UUID", "in quotes"),
    "filter of times": ({"exposure": {"where": [{"column": "at", "above": "Monday"}]}},
                        "exposure.where[0]", "at", "shown", "TIMESTAMP", "in quotes"),
    "filter of text": ({"cost": {"where": [{"column": "told", "above": 3}]}},
                       "metrics.cost_usd.where[0]", "told", "calls", "TEXT", "in quotes"),
    "filter of numbers": ({"cost": {"where": [{"column": "since", "equals": "3"}]}},
                          "metrics.cost_usd.where[0]", "since", "calls", "INT64",
                          "without quotes"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_column_of_postgresql_that_does_not_fit_is_named(address, monkeypatch, name):
    changes, place, column, table, kind, hint = WRONG[name]
    asked = []
    rows = Engine.rows
    monkeypatch.setattr(
        Engine, "rows", lambda self, query: asked.append(query) or rows(self, query)
    )
    with pytest.raises(UsageError) as caught:
        sums(address, **changes)
    said = caught.value.message
    assert f"{place}: column '{column}' of table '{table}' is {kind}, expected" in said
    assert hint in caught.value.hint
    assert not [query for query in asked if "groups" in query.columns]  # no sum was asked for
    for secret in (PASSWORD, BOSS):
        assert secret not in f"{said} {caught.value.hint}"


def test_all_that_does_not_fit_is_said_at_once(address):
    with pytest.raises(UsageError) as caught:
        sums(address, exposure={"at": "taken"}, cost={"unit": "body", "value": "born"})
    assert caught.value.message.count("column '") == 3


def test_what_the_engine_alone_knows_is_named_as_well(address):
    """Ibis takes PostgreSQL's money for a decimal."""
    with pytest.raises(UsageError) as caught:
        sums(address, cost={"value": "price"})
    said = caught.value.message
    assert "metrics.cost_usd.value: column 'price' of table 'calls' cannot be read as a" in said
    assert "money" in said
    assert "CAST(price AS numeric)" in caught.value.hint
    assert PASSWORD not in said


def test_text_that_holds_what_is_expected_is_read(address):
    found = sums(
        address,
        exposure={"at": "written", "where": [{"column": "at", "above": "2026-10-31"}]},
        cost={"at": "written", "value": "told", "where": [{"column": "told", "differs": "x"}]},
    )
    assert [day.metrics["cost_usd"].joint.centres[0] for day in found.days] == [25.0]


@pytest.mark.parametrize("engine", ["file", "address"])
def test_a_column_of_sqlite_that_does_not_fit_is_named(tmp_path, engine):
    with closing(sqlite3.connect(tmp_path / "events.db")) as file:
        file.execute("CREATE TABLE shown (unit TEXT, arm TEXT, at TEXT)")
        file.execute("CREATE TABLE calls (unit TEXT, at DATETIME, cost REAL)")
        file.executemany("INSERT INTO shown VALUES (?, ?, ?)",
                         [("u1", "A", "2026-11-01 10:00:00"), ("u2", "B", "soon")])  # fmt: skip
        file.executemany("INSERT INTO calls VALUES (?, ?, ?)",
                         [("u1", "2026-11-01 10:10:00", "1.5"), ("u1", "2026-11-01", ""),
                          ("u2", "2026-11-01 10:20", "1,5")])  # fmt: skip
        file.commit()
    tables = {name: {"path": "events.db", "table": name} for name in ("shown", "calls")}
    address = f"sqlite:///{tmp_path}/events.db" if engine == "address" else None
    with pytest.raises(UsageError) as caught:
        sums(address, ("shown", "calls") if address else tables, tmp_path)
    said = caught.value.message
    assert (
        "metrics.cost_usd.value: column 'cost' of table 'calls' is TEXT, expected a n" in said
    )
    assert "2 of its 3 values are none" in said
    where = [{"column": "cost", "not_in": ["", "1,5"]}]
    with pytest.raises(UsageError, match=r"exposure.at: column 'at' of table 'shown' is TEXT"):
        sums(
            address, ("shown", "calls") if address else tables, tmp_path, cost={"where": where}
        )
    found = sums(
        address, ("shown", "calls") if address else tables, tmp_path,
        exposure={"where": [{"column": "at", "differs": "soon"}]}, cost={"where": where},
    )  # fmt: skip
    assert [day.metrics["cost_usd"].joint.centres[0] for day in found.days] == [1.5]
