"""What the tables of an engine hold, as far as a look at their first rows shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from meta_experiment.sources.warehouse.columns import Expression, Table
from meta_experiment.types.found_table import ColumnKind, FoundColumn, FoundTable
from meta_experiment.types.mapping import EventTable

_ROWS = 100_000  # of a table, that are looked at
_FEW = 20  # values of a column
_DEEPEST = 3  # keys on a path


def found_table(name: str, place: EventTable, table: Table) -> FoundTable:
    """Look at a table: its columns, what lies within them, and values where they are few."""
    rows = table.limit(_ROWS)
    columns = [it for column in rows.columns for it in _within(rows[column], column)]
    looked = _looked(rows, columns)
    return FoundTable(
        name,
        place,
        tuple(
            FoundColumn(
                ".".join((it.root, *it.path)),
                it.kind,
                looked.get(f"v{number}", ()),
                looked.get(f"m{number}"),
                it.root,
                it.path,
            )
            for number, it in enumerate(columns)
        ),
    )


class _Lying(NamedTuple):
    """Column of a table, or what lies on a path within it."""

    root: str
    path: tuple[str, ...]
    kind: ColumnKind
    value: Expression


def _within(value: Expression, root: str, path: tuple[str, ...] = ()) -> Iterator[_Lying]:
    kind = value.type()
    if kind.is_struct() and len(path) < _DEEPEST:
        for key in kind.names:
            yield from _within(value[key], root, (*path, key))
    else:
        yield _Lying(root, path, _kind(kind), value)


def _kind(kind: Any) -> ColumnKind:  # noqa: ANN401 - a type of Ibis
    known = (
        (kind.is_boolean(), ColumnKind.FLAG),
        (kind.is_integer(), ColumnKind.WHOLE),
        (kind.is_numeric(), ColumnKind.NUMBER),
        (kind.is_timestamp() or kind.is_date(), ColumnKind.MOMENT),
        (kind.is_string(), ColumnKind.TEXT),
        (kind.is_array(), ColumnKind.LIST),
    )
    return next((found for holds, found in known if holds), ColumnKind.OTHER)


def _looked(rows: Table, columns: Sequence[_Lying]) -> dict[str, Any]:
    """Ask at once for the values of columns with few, and for the largest of numbers."""
    numbers = {ColumnKind.WHOLE, ColumnKind.NUMBER}
    told = {ColumnKind.TEXT, ColumnKind.WHOLE, ColumnKind.FLAG}
    asked: dict[str, Expression] = {}
    for number, it in enumerate(columns):
        if it.kind in numbers:
            asked[f"m{number}"] = it.value.max().cast("float64")
        if it.kind in told:
            asked[f"n{number}"] = it.value.nunique()
    if not asked:
        return {}
    (counted,) = rows.aggregate(**asked).to_pyarrow().to_pylist()
    found = {name: value for name, value in counted.items() if name.startswith("m")}
    for number, it in enumerate(columns):
        if 0 < counted.get(f"n{number}", 0) <= _FEW:
            values = rows.select(value=it.value).distinct().to_pyarrow().to_pylist()
            held = {row["value"] for row in values if row["value"] is not None}
            found[f"v{number}"] = tuple(sorted(map(_written, held)))
    return found


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
