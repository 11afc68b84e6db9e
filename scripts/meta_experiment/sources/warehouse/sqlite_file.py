"""Tables of an SQLite file, handed over to the embedded engine."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from meta_experiment.errors import NotFoundError, RemoteError, cite
from meta_experiment.model.fields import suggestion
from meta_experiment.sources.warehouse.columns import Table

SCHEME = "sqlite://"
_AT_ONCE = 50_000  # rows
_WAIT = 5.0  # seconds, for another process to be done with the file
_KINDS = ("blob", "text", "real", "integer")  # the first that a column holds is what it is


def sqlite_path(address: str) -> Path:
    """Return the file of an address such as sqlite:///events.db, or sqlite:////srv/events.db.

    Raises:
        NotFoundError: there is none.
    """
    place = address.removeprefix(SCHEME)
    meant = place.removeprefix("/")
    for written in (meant, place):
        if written and Path(written).is_file():
            return Path(written)
    raise NotFoundError(
        f"There is no database {cite(meant)}.",
        hint="sqlite:///events.db is a file here, sqlite:////srv/events.db one anywhere.",
    )


def sqlite_tables(path: Path) -> list[str]:
    """Return the names of the tables and views of a file. Raises RemoteError."""
    with _opened(path) as file:
        return _tables(file)


def sqlite_table(backend: Any, path: Path, table: str, name: str) -> Table:  # noqa: ANN401
    """Return a table of an SQLite file as one of the embedded engine.

    A column is what its values are, as SQLite holds it to nothing: of whole numbers, of
    numbers, else of text, moments included, which are read as such.

    Raises:
        NotFoundError: the file has no such table. RemoteError: it is locked, or cannot be read.
    """
    with _opened(path) as file:
        known = _tables(file)
        wanted = table.removeprefix("main.").lower()
        found = next((item for item in known if item.lower() in (wanted, table.lower())), None)
        if found is None:
            raise NotFoundError(
                f"tables.{name}: {path.name} has no table {cite(table)}; it has "
                f"{', '.join(known) or 'none'}.",
                hint=suggestion(table, known),
            )
        return _copied(backend, file, found, f"{path.resolve()} {found}")


def _tables(file: sqlite3.Connection) -> list[str]:
    listed = file.execute(
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') "
        "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    )
    return [row[0] for row in listed]


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a file to be read, as it is at one moment.

    Raises:
        RemoteError: it is locked, damaged or no database.
    """
    uri = f"{path.resolve().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=_WAIT)) as file:
            file.text_factory = lambda text: text.decode("utf-8", "replace")
            file.execute("BEGIN")
            yield file
    except sqlite3.Error as error:
        locked = "locked" in str(error)
        raise RemoteError(
            f"{path.name} cannot be read: {error}.",
            hint="Another process writes it: collect again when it is done, or read a copy, "
            f'made by sqlite3 {path.name} ".backup copy.db"'
            if locked
            else "Is it an SQLite database, and whole?",
        ) from None


def _copied(backend: Any, file: sqlite3.Connection, table: str, name: str) -> Table:  # noqa: ANN401
    import pyarrow as pa

    quoted = _quoted(table)
    columns = [item[0] for item in file.execute(f"SELECT * FROM {quoted} LIMIT 0").description]  # noqa: S608 - a name that is there
    kinds = _kinds(file, quoted, columns)
    types = {"integer": pa.int64(), "real": pa.float64()}
    schema = pa.schema(
        [
            (column, types.get(kind, pa.string()))
            for column, kind in zip(columns, kinds, strict=True)
        ]
    )
    target, engine = _quoted(name), backend.con
    engine.register("part_of_sqlite", schema.empty_table())
    engine.execute(f"CREATE OR REPLACE TEMP TABLE {target} AS FROM part_of_sqlite")
    rows = file.execute(f"SELECT * FROM {quoted}")  # noqa: S608 - a name that is there
    while part := rows.fetchmany(_AT_ONCE):
        values = [
            pa.array(_as_kind(column, kind), field.type)
            for column, kind, field in zip(zip(*part, strict=True), kinds, schema, strict=True)
        ]
        engine.register("part_of_sqlite", pa.table(values, schema=schema))
        engine.execute(f"INSERT INTO {target} FROM part_of_sqlite")
    engine.unregister("part_of_sqlite")
    return backend.table(name)


def _kinds(file: sqlite3.Connection, quoted: str, columns: Sequence[str]) -> list[str]:
    """Return what each column holds, whatever it was declared to; text where it is empty."""
    if not columns:
        return []
    asked = ", ".join(
        f"max(typeof({_quoted(column)}) = '{kind}')" for column in columns for kind in _KINDS
    )
    found = list(file.execute(f"SELECT {asked} FROM {quoted}").fetchone())  # noqa: S608 - names that are there
    held = [found[place : place + len(_KINDS)] for place in range(0, len(found), len(_KINDS))]
    return [
        next((kind for kind, there in zip(_KINDS, row, strict=True) if there), "text")
        for row in held
    ]


def _as_kind(values: Sequence[Any], kind: str) -> Sequence[Any]:
    if kind in ("integer", "real"):
        return values
    return [value if isinstance(value, str | None) else _text(value) for value in values]


def _text(value: bytes | float) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
