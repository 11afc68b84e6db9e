"""Local times are read by the rules of their zone, the same on every engine."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.support.local_rows import ZONE, calls, changes_of, expected, shown, write_rows
from tests.support.warehouse_rows import ARMS, mapping_of, plan_of

from meta_experiment.sources.warehouse.collecting import Period, collect
from meta_experiment.sources.warehouse.engines import opened
from meta_experiment.sources.warehouse.local_times import in_utc, offset_changes
from meta_experiment.sources.warehouse.sought import sought

LATER = Period(datetime(2026, 12, 1, tzinfo=UTC).timestamp())


def sums(tables, folder=".", engine=None, **changes):
    mapping = mapping_of(tables, folder, **{**changes_of(), **changes})
    with opened(engine) as reached:
        found, count = collect(
            reached, mapping, [*ARMS.values()], sought(plan_of(), mapping), LATER
        )
    for day in found.days:
        sums = day.metrics["cost_usd"].joint
        assert (sums.n, sums.centres[0], sums.among[0]) == (day.units, 1.0, (0.0,))
    arms = {name: letter for letter, name in ARMS.items()}
    return {(arms[day.variant], day.day): day.units for day in found.days}, count


def test_times_of_a_csv_are_those_of_the_zone(tmp_path):
    """What each unit did ten minutes later counts, and ten minutes before does not."""
    assert sums(write_rows(tmp_path), tmp_path)[0] == expected()


@pytest.mark.long
@pytest.mark.parametrize("form", ["jsonl", "parquet", "db"])
def test_so_are_those_of_other_files(tmp_path, form):
    tables, path = write_rows(tmp_path), tmp_path / f"shown.{form}"
    if form == "jsonl":
        lines = [{"unit": unit, "arm": arm, "at": f"{at}"} for unit, arm, at in shown()]
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    elif form == "parquet":
        import duckdb

        with duckdb.connect() as connection:
            connection.execute('CREATE TABLE t (unit VARCHAR, arm VARCHAR, "at" TIMESTAMP)')
            connection.executemany("INSERT INTO t VALUES (?, ?, ?)", shown())
            connection.execute(f"COPY t TO '{path}' (FORMAT parquet)")
    else:
        with closing(sqlite3.connect(path)) as file:
            file.execute("CREATE TABLE shown (unit TEXT, arm TEXT, at DATETIME)")
            rows = [(unit, arm, f"{at}") for unit, arm, at in shown()]
            file.executemany("INSERT INTO shown VALUES (?, ?, ?)", rows)
            file.commit()
    assert sums({**tables, "shown": {"path": path.name}}, tmp_path)[0] == expected()


@pytest.mark.parametrize("kind", ["timestamp", "text"])
def test_so_are_those_of_postgresql(postgres_server, kind):
    database = postgres_server.database()
    rows = {
        "shown": [(unit, arm, f"{at}") for unit, arm, at in shown()],
        "calls": [(unit, f"{at}", cost) for unit, at, cost in calls()],
    }
    described = {"shown": f"unit text, arm text, at {kind}",
                 "calls": "unit text, at timestamptz, cost numeric"}  # fmt: skip
    for name, lines in rows.items():
        values = ",".join(str(line) for line in lines)
        postgres_server.run(
            f"CREATE TABLE {name} ({described[name]})",
            f"INSERT INTO {name} VALUES {values}",  # noqa: S608 - made up here
            database=database,
        )
    tables = {name: name for name in rows}
    assert sums(tables, engine=postgres_server.url(database))[0] == expected()


@pytest.mark.long
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_time_that_says_its_zone_keeps_it(tmp_path, form):
    """JSON with an offset would be taken for a moment in UTC, and put off once more."""
    tables = write_rows(tmp_path)
    ends = ("", "Z", "+02:00", "-0500")
    rows = [
        (f"u{place}", "AB"[place % 2], f"2026-07-01T12:00:00{end}")
        for place, end in enumerate(ends)
    ]
    began = [16, 12, 10, 17]  # o'clock in UTC
    texts = {
        "csv": "unit,arm,at\n" + "".join(f"{','.join(row)}\n" for row in rows),
        "jsonl": "".join(
            f"{json.dumps(dict(zip(('unit', 'arm', 'at'), row, strict=True)))}\n"
            for row in rows
        ),
    }
    (tmp_path / f"one.{form}").write_text(texts[form])
    events = "".join(
        f"u{place},2026-07-01T{hour}:10:00Z,1\n" for place, hour in enumerate(began)
    )
    (tmp_path / "local_calls.csv").write_text(f"unit,at,cost\n{events}")
    for number, row in enumerate(texts[form].splitlines(keepends=True)[-4:]):
        head = "unit,arm,at\n" if form == "csv" else ""
        (tmp_path / f"only{number}.{form}").write_text(head + row)
        alone, _ = sums({**tables, "shown": {"path": f"only{number}.{form}"}}, tmp_path)
        assert sum(alone.values()) == 1
    together, _ = sums({**tables, "shown": {"path": f"one.{form}"}}, tmp_path)
    assert sum(together.values()) == 4


@pytest.mark.long
def test_the_zone_of_the_mapping_is_that_of_all_its_times(tmp_path):
    tables = write_rows(tmp_path)
    exposure = {**changes_of()["exposure"], "at": "at"}
    assert sums(tables, tmp_path, exposure=exposure, zone=ZONE)[0] == expected()
    other = {**exposure, "at": {"column": "at", "zone": ZONE}}
    assert sums(tables, tmp_path, exposure=other, zone="Asia/Tokyo")[0] == expected()


ZONES = ("Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata", "UTC")


@pytest.mark.parametrize("zone", ZONES)
def test_every_change_of_a_zone_is_that_of_python(zone):
    import ibis
    import pyarrow as pa

    _, changes = offset_changes(zone)
    times = [
        at + timedelta(minutes=step)
        for at, _ in changes
        for step in (-61, -60, -31, -30, -1, 0, 1, 30, 31, 60, 61)
    ] + [datetime.fromisoformat("1971-01-01"), datetime.fromisoformat("2040-07-01")]
    place = ZoneInfo(zone)
    wanted = [at.replace(tzinfo=place).astimezone(UTC).replace(tzinfo=None) for at in times]
    table = ibis.memtable(pa.table({"place": range(len(times)), "at": times}))
    asked = table.select(table.place, utc=in_utc(table["at"], zone)).order_by("place")
    assert ibis.duckdb.connect().to_pyarrow(asked)["utc"].to_pylist() == wanted
