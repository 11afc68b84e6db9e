"""SQLite files are read by the embedded engine, whatever their columns were declared to be."""

import sqlite3
from contextlib import closing

import pytest
from tests.support.warehouse_rows import (
    ARMS,
    FIRST_DAY,
    made_up,
    mapping_of,
    plan_of,
    write_csv,
)

from meta_experiment.decide.collected_days import joined
from meta_experiment.errors import NotFoundError, RemoteError, UsageError
from meta_experiment.sources.warehouse import sqlite_file
from meta_experiment.sources.warehouse.collecting import Period, collect
from meta_experiment.sources.warehouse.engines import opened
from meta_experiment.sources.warehouse.finding import found_table
from meta_experiment.sources.warehouse.sought import sought
from meta_experiment.types.mapping import EventTable

LATER = Period(FIRST_DAY.timestamp() + 40 * 86400)
FILES = {name: {"path": "events.db", "table": name} for name in ("shown", "calls")}


def sums(tables, folder, engine=None, **changes):
    mapping = mapping_of(tables, folder, **changes)
    with opened(engine) as reached:
        return collect(reached, mapping, [*ARMS.values()], sought(plan_of(), mapping), LATER)


@pytest.fixture
def stored(tmp_path):
    """Return rows that lie in a file of SQLite, declared as programs do."""
    rows = made_up(120, days=4)
    with closing(sqlite3.connect(tmp_path / "events.db")) as file:
        file.execute("CREATE TABLE shown (unit VARCHAR(9), arm CHAR, at DATETIME)")
        file.execute("CREATE TABLE calls (unit, at TIMESTAMP, cost INT, seconds BLOB, ok BOOL)")
        file.executemany(
            "INSERT INTO shown VALUES (?, ?, ?)",
            [(unit, arm, f"{at:%Y-%m-%d %H:%M:%S}") for unit, arm, at in rows.shown],
        )
        file.executemany(
            "INSERT INTO calls VALUES (?, ?, ?, ?, ?)",
            [(unit, f"{at:%Y-%m-%dT%H:%M:%SZ}", *rest) for unit, at, *rest in rows.calls],
        )
        file.commit()
    return rows


@pytest.mark.long
def test_a_file_comes_to_the_same_sums_as_others(stored, tmp_path, monkeypatch):
    expected, count = sums(write_csv(stored, tmp_path), tmp_path)

    def assert_same(found):
        assert found[1] == count
        assert joined(expected, found[0], through=30_000).late == ()  # but for a rounding

    assert_same(sums(FILES, tmp_path))
    monkeypatch.chdir(tmp_path)
    for address in ("sqlite:///events.db", f"sqlite:///{tmp_path}/events.db"):
        names = {"shown": "main.Shown", "calls": "calls"}
        assert_same(sums(names, tmp_path, address))
        with opened(address) as engine:
            assert engine.listed() == ["calls", "shown"]


@pytest.mark.usefixtures("stored")
def test_what_another_process_has_written_beside_is_read(tmp_path):
    with closing(sqlite3.connect(tmp_path / "events.db")) as file:
        file.execute("PRAGMA journal_mode = wal")
        file.execute("INSERT INTO shown VALUES ('new', 'A', '2026-11-02 00:00:00')")
        file.commit()
        file.execute("INSERT INTO shown VALUES ('not yet', 'A', '2026-11-02 00:00:00')")
        assert sums(FILES, tmp_path)[1].units == 121


@pytest.mark.usefixtures("stored")
def test_a_file_that_is_locked_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite_file, "_WAIT", 0.05)
    with closing(sqlite3.connect(tmp_path / "events.db", isolation_level=None)) as file:
        file.execute("BEGIN EXCLUSIVE")
        with pytest.raises(RemoteError, match="locked") as caught:
            sums(FILES, tmp_path)
    assert ".backup" in (caught.value.hint or "")


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("change", [lambda data: data[: len(data) // 2], lambda _: b"no" * 999])
def test_a_file_that_is_cut_or_something_else_is_none(tmp_path, change):
    path = tmp_path / "events.db"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(RemoteError, match=r"events\.db cannot be read"):
        sums(FILES, tmp_path)


@pytest.mark.usefixtures("stored")
def test_a_table_is_named_where_there_are_several(tmp_path):
    with pytest.raises(UsageError, match="holds calls, shown"):
        sums({**FILES, "shown": {"path": "events.db"}}, tmp_path)
    with pytest.raises(NotFoundError) as caught:
        sums({**FILES, "shown": {"path": "events.db", "table": "showm"}}, tmp_path)
    assert "'shown'" in (caught.value.hint or "")
    with pytest.raises(NotFoundError, match="no database"), opened("sqlite:///nowhere.db"):
        pass


def test_a_column_is_what_it_holds(tmp_path):
    """SQLite keeps any value in any column; a number that came as text makes all of it text."""
    with closing(sqlite3.connect(tmp_path / "odd.db")) as file:
        file.execute('CREATE TABLE "o d""d" ("😀 a.b" INTEGER, real TEXT, mixed INT, none INT)')
        file.execute("""INSERT INTO "o d""d" VALUES (7, 1.5, 2, NULL), ('u7', 2, 2.5, NULL)""")
        file.execute("""CREATE VIEW v AS SELECT mixed * 2 AS twice FROM "o d""d" """)
        file.commit()
    with opened(None) as engine:

        def kinds(name):
            place = EventTable(path="odd.db", table=name)
            table = found_table(name, place, engine.table(place, name, str(tmp_path)))
            return {column.name: column.kind.value for column in table.columns}

        assert kinds('o d"d') == {
            "😀 a.b": "text", "real": "text", "mixed": "number", "none": "text",
        }  # fmt: skip
        assert kinds("v") == {"twice": "number"}
