"""Table of an SQLite file, handed over to the embedded engine."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from meta_experiment.errors import NotFoundError, UsageError, cite
from meta_experiment.model.fields import suggestion
from meta_experiment.sources.warehouse.columns import Table

_AT_ONCE = 50_000  # rows
_KINDS = (  # in this order, as SQLite itself tells by the declared type
    ("INT", "int64"),
    ("BOOL", "int64"),
    ("REAL", "float64"),
    ("FLOA", "float64"),
    ("DOUB", "float64"),
    ("NUM", "float64"),
    ("DEC", "float64"),
)


def sqlite_table(backend: Any, path: Path, table: str, name: str) -> Table:  # noqa: ANN401
    """Return a table of an SQLite file as one of the embedded engine.

    What is no number is text, moments included, which are read as such.

    Raises:
        NotFoundError: the file has no such table. UsageError: another engine is to read it.
    """
    import ibis

    if backend.name != "duckdb":
        raise UsageError(
            f"tables.{name}: SQLite files are read by the embedded engine.",
            hint="Leave --engine out.",
        )
    uri = f"{path.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as file:
        listed = file.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
        known = [row[0] for row in listed]
        if table not in known:
            raise NotFoundError(
                f"tables.{name}: {path.name} has no table {cite(table)}; it has "
                f"{', '.join(known) or 'none'}.",
                hint=suggestion(table, known),
            )
        quoted = '"' + table.replace('"', '""') + '"'
        columns = {
            row[1]: next((kind for word, kind in _KINDS if word in row[2].upper()), "string")
            for row in file.execute(f"PRAGMA table_info({quoted})")
        }
        made = backend.create_table(f"sqlite_{name}", schema=ibis.schema(columns), temp=True)
        rows = file.execute(f"SELECT * FROM {quoted}")  # noqa: S608 - a name that is there
        for part in _parts(rows):
            held = [
                dict(zip(columns, map(_of_kind, row, columns.values()), strict=True))
                for row in part
            ]
            backend.insert(made.get_name(), ibis.memtable(held, schema=ibis.schema(columns)))
    return made


def _parts(rows: sqlite3.Cursor) -> Iterator[list[Any]]:
    while part := rows.fetchmany(_AT_ONCE):
        yield part


def _of_kind(value: object, kind: str) -> object:
    """Return a value of a column as its type has it; None where it cannot be one."""
    if value is None:
        return None
    if kind == "string":
        return value if isinstance(value, str) else str(value)
    return value if isinstance(value, int | float) else None
