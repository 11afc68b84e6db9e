"""Every column that a mapping names: where it says so, and what it is to be read as."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from meta_experiment.records import dataclass
from meta_experiment.types.mapping import (
    EventColumn,
    EventFilter,
    EventMapping,
    EventTime,
    FilterValue,
    TimeForm,
    WarehouseMapping,
)


class ColumnUse(StrEnum):
    """What a column is read as, in the words of a message."""

    KEY = "a name of a unit"
    VARIANT = "a name of a variant"
    TIME = "a moment"
    NUMBER = "a number"
    COMPARED = "what can be compared"


@dataclass(frozen=True, slots=True)
class NamedColumn:
    """Column as a mapping names it: `place` is where, `table` the mapping's word for its table.

    `form` is that of a time, `values` what it is compared with, and `kept` the conditions that
    its rows must meet before it is read.
    """

    place: str
    table: str
    column: EventColumn
    use: ColumnUse
    form: TimeForm = TimeForm.TIMESTAMP
    values: tuple[FilterValue, ...] = ()
    kept: tuple[EventFilter, ...] = ()


def named_columns(mapping: WarehouseMapping) -> Iterator[NamedColumn]:
    """Yield each column that a mapping names, once for each time that it does."""
    exposure, place = mapping.exposure, "exposure"
    table, kept = exposure.table, exposure.where
    yield from _conditions(table, kept, place)
    yield NamedColumn(f"{place}.unit", table, exposure.unit, ColumnUse.KEY)
    yield NamedColumn(f"{place}.variant", table, exposure.variant, ColumnUse.VARIANT)
    yield from _time(table, exposure.at, place, kept)
    for kind, each in (("metrics", mapping.metrics), ("covariates", mapping.covariates)):
        yield from _all_events(kind, each)


def _all_events(kind: str, named: Mapping[str, EventMapping]) -> Iterator[NamedColumn]:
    for name, events in named.items():
        place, table = f"{kind}.{name}", events.table
        yield from _conditions(table, events.where, place)
        yield NamedColumn(f"{place}.unit", table, events.unit, ColumnUse.KEY)
        yield from _time(table, events.at, place)
        if events.value is not None:
            yield NamedColumn(
                f"{place}.value", table, events.value, ColumnUse.NUMBER, kept=events.where
            )


def _time(
    table: str, at: EventTime | None, place: str, kept: tuple[EventFilter, ...] = ()
) -> Iterator[NamedColumn]:
    if at is not None:
        yield NamedColumn(f"{place}.at", table, at.column, ColumnUse.TIME, at.form, kept=kept)


def _conditions(
    table: str, conditions: tuple[EventFilter, ...], place: str
) -> Iterator[NamedColumn]:
    for number, item in enumerate(conditions):
        yield NamedColumn(
            f"{place}.where[{number}]",
            table,
            item.column,
            ColumnUse.COMPARED,
            values=item.values,
        )
