"""Whether a column that a mapping names has a type that can be what it is to be.

Asked before anything is summed, and of all columns at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time
from typing import Any
from uuid import UUID

from meta_experiment.errors import UsageError, cite
from meta_experiment.sources.warehouse.columns import Table, column_of
from meta_experiment.sources.warehouse.named_columns import (
    ColumnUse,
    NamedColumn,
    named_columns,
)
from meta_experiment.types.mapping import FilterValue, TimeForm, WarehouseMapping

_MOST_NAMED = 8  # columns of a table that would fit
Misfit = tuple[str, str]  # what does not fit, and what to do


def require_types(tables: Mapping[str, Table], mapping: WarehouseMapping) -> None:
    """Refuse columns of a type that cannot be what the mapping says.

    Raises:
        NotFoundError: one is not there. UsageError: one does not fit.
    """
    found = []
    for named in named_columns(mapping):
        table = tables[named.table]
        kind = column_of(table, named.column, named.place).type()
        misfit = _CHECKS[named.use](named, kind, table)
        if misfit is not None and misfit not in found:
            found.append(misfit)
    refuse(found)


def refuse(misfits: Sequence[Misfit]) -> None:
    """Raise a UsageError of all that does not fit, if anything does not."""
    if misfits:
        said, hints = zip(*misfits, strict=True)
        raise UsageError(" ".join(said), hint=" ".join(dict.fromkeys(hints)))


def misfit_of(named: NamedColumn, kind: str, expected: str, more: str = "") -> str:
    """Return the sentence that a column is of a kind, and of what it should be."""
    return (
        f"{named.place}: column {cite(named.column.name)} of table {cite(named.table)} is "
        f"{kind}, expected {expected}{more}."
    )


def _misfit(named: NamedColumn, kind: Any, hint: str, expected: str = "") -> Misfit:  # noqa: ANN401
    word = "TEXT" if kind.is_string() else type(kind).__name__.upper()
    return misfit_of(named, word, expected or named.use.value), hint


def _no_name(named: NamedColumn, kind: Any, table: Table) -> Misfit | None:  # noqa: ANN401
    if kind.is_nested() or kind.is_json() or kind.is_binary() or kind.is_interval():
        within = kind.is_json() or kind.is_struct() or kind.is_map()
        column = named.column.name
        others = _that_fit(table, lambda it: it.is_string() or it.is_integer())
        return _misfit(
            named, kind, f"Name what lies within: {{column: {column}, path: [KEY]}}."
            if within else others,
        )  # fmt: skip
    return None


def _no_moment(named: NamedColumn, kind: Any, table: Table) -> Misfit | None:  # noqa: ANN401
    column = named.column.name
    if named.form is not TimeForm.TIMESTAMP:
        if kind.is_numeric() or kind.is_string():
            return None
        hint = "Leave form out where the column holds moments."
        return _misfit(named, kind, hint, f"a number of {named.form.value}")
    if kind.is_numeric():
        return _misfit(
            named, kind, f"Say what it counts since 1970: {{column: {column}, form: seconds}} "
            "or milliseconds, microseconds, nanoseconds.",
        )  # fmt: skip
    if kind.is_string() or kind.is_timestamp() or kind.is_date():
        return None
    return _misfit(named, kind, _that_fit(table, lambda it: it.is_timestamp() or it.is_date()))


def _no_number(named: NamedColumn, kind: Any, table: Table) -> Misfit | None:  # noqa: ANN401
    if kind.is_numeric() or kind.is_boolean() or kind.is_string():
        return None
    return _misfit(named, kind, _that_fit(table, lambda it: it.is_numeric()))


def _that_fit(table: Table, fits: Callable[[Any], bool]) -> str:
    names = [name for name, kind in table.schema().items() if fits(kind)][:_MOST_NAMED]
    if names:
        return f"Columns of that table that could be meant: {', '.join(map(cite, names))}."
    return "No column of that table could be meant: read a view that has one."


def _not_comparable(named: NamedColumn, kind: Any, _: Table) -> Misfit | None:  # noqa: ANN401
    for value in named.values:
        if not _compares(kind, value):
            hint = "Write true and false without quotes, and nothing else for such a column."
            if kind.is_numeric():
                hint = "Write a number, without quotes."
            elif kind.is_string():
                hint = "Write it in quotes, as the column has it."
            elif not kind.is_boolean():
                hint = "Write it as the engine prints such a value, in quotes."
            return _misfit(named, kind, hint, f"what can be compared with {value!r:.40}")
    return None


def _compares(kind: Any, value: FilterValue) -> bool:  # noqa: ANN401
    if isinstance(value, bool):
        return bool(kind.is_boolean())
    if not isinstance(value, str):
        return bool(kind.is_numeric())
    readers: tuple[tuple[bool, Callable[[str], object]], ...] = (
        (kind.is_timestamp() or kind.is_date(), datetime.fromisoformat),
        (kind.is_time(), time.fromisoformat),
        (kind.is_uuid(), UUID),
        (kind.is_string() or kind.is_unknown(), str),
    )
    read = next((reader for holds, reader in readers if holds), None)
    try:
        return read is not None and bool(read(value) or True)
    except ValueError:
        return False


_CHECKS: dict[ColumnUse, Callable[[NamedColumn, Any, Table], Misfit | None]] = {
    ColumnUse.KEY: _no_name,
    ColumnUse.VARIANT: _no_name,
    ColumnUse.TIME: _no_moment,
    ColumnUse.NUMBER: _no_number,
    ColumnUse.COMPARED: _not_comparable,
}
