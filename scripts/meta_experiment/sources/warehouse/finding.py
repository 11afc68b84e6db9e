"""What the tables of an engine hold, as far as a look at their first rows shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meta_experiment.sources.warehouse.columns import Expression, Table
from meta_experiment.types.found_table import ColumnKind, FoundColumn, FoundTable
from meta_experiment.types.mapping import EventTable

_ROWS = 100_000  # of a table, that are looked at
_FEW = 20  # values of a column


def found_table(name: str, place: EventTable, table: Table) -> FoundTable:
    """Look at a table: its columns, and the values of those that have few."""
    kinds = {column: _kind(kind) for column, kind in table.schema().items()}
    looked = _looked(table.limit(_ROWS), kinds)
    return FoundTable(
        name,
        place,
        tuple(
            FoundColumn(column, kind, looked.get(f"v{number}", ()), looked.get(f"m{number}"))
            for number, (column, kind) in enumerate(kinds.items())
        ),
    )


def _kind(kind: Any) -> ColumnKind:  # noqa: ANN401 - a type of Ibis
    known = (
        (kind.is_boolean(), ColumnKind.FLAG),
        (kind.is_integer(), ColumnKind.WHOLE),
        (kind.is_numeric(), ColumnKind.NUMBER),
        (kind.is_timestamp() or kind.is_date(), ColumnKind.MOMENT),
        (kind.is_string(), ColumnKind.TEXT),
    )
    return next((found for holds, found in known if holds), ColumnKind.OTHER)


def _looked(rows: Table, kinds: Mapping[str, ColumnKind]) -> dict[str, Any]:
    """Ask at once for the values of columns with few, and for the largest of numbers."""
    numbers = {ColumnKind.WHOLE, ColumnKind.NUMBER}
    told = {ColumnKind.TEXT, ColumnKind.WHOLE, ColumnKind.FLAG}
    asked: dict[str, Expression] = {}
    for number, (column, kind) in enumerate(kinds.items()):
        if kind in numbers:
            asked[f"m{number}"] = rows[column].max().cast("float64")
        if kind in told:
            asked[f"n{number}"] = rows[column].nunique()
    if not asked:
        return {}
    (counted,) = rows.aggregate(**asked).to_pyarrow().to_pylist()
    found = {name: value for name, value in counted.items() if name.startswith("m")}
    for number, column in enumerate(kinds):
        if 0 < counted.get(f"n{number}", 0) <= _FEW:
            values = rows.select(value=rows[column]).distinct().to_pyarrow().to_pylist()
            held = {it["value"] for it in values if it["value"] is not None}
            found[f"v{number}"] = tuple(sorted(map(_written, held)))
    return found


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
