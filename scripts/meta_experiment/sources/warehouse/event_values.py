"""What becomes of a unit's events: one value of each metric, and how many cannot stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from meta_experiment.decide.metrics.rates import NOT_BINARY
from meta_experiment.decide.metrics.sample import NOT_FINITE, NOT_POSITIVE
from meta_experiment.records import dataclass
from meta_experiment.sources.warehouse.columns import (
    Expression,
    Table,
    column_of,
    is_number,
    moment_of,
    number_of,
    truth_as_number,
    where_all,
)
from meta_experiment.sources.warehouse.sought import SoughtMetric
from meta_experiment.types.mapping import EventMapping, UnitAggregate

NO_VALUE = "no_value"  # an event that has none where one was expected
REASONS = (NOT_FINITE, NOT_POSITIVE, NOT_BINARY, NO_VALUE)


@dataclass(frozen=True, slots=True)
class ValueOfEvents:
    """Column made of the events of a unit, and what for, as messages name it."""

    name: str
    place: str
    events: EventMapping
    log: bool  # of every event, before their mean
    outcome: bool
    before: bool  # the exposure, as covariates are


def event_values(sought: Sequence[SoughtMetric]) -> Iterator[ValueOfEvents]:
    """Yield all that is made of events: of the metric n, `eN_0` and so on."""
    for number, metric in enumerate(sought):
        for part, events in enumerate(metric.parts):
            mean = events.aggregate is UnitAggregate.MEAN
            place = f"metrics.{metric.name}"
            outcome = metric.outcome and mean
            yield ValueOfEvents(f"e{number}_{part}", place, events, False, outcome, False)
            if metric.log and mean:
                yield ValueOfEvents(f"l{number}", place, events, True, outcome, False)
        for part, covariate in enumerate(metric.covariates):
            place = f"covariates.{covariate.name}"
            yield ValueOfEvents(
                f"c{number}_{part}", place, covariate.events, False, False, True
            )


def of_the_same_events(made: Sequence[ValueOfEvents]) -> list[list[ValueOfEvents]]:
    """Return what is made of the same events, each in one pass over them."""
    groups: dict[Any, list[ValueOfEvents]] = {}
    for item in made:
        events = item.events
        key = (events.table, events.unit, events.at, events.window, item.before)
        groups.setdefault(key, []).append(item)
    return list(groups.values())


def event_columns(table: Table, group: Sequence[ValueOfEvents]) -> dict[str, Expression]:
    """Return the columns that a group needs of a table of events, beside unit and exposure.

    Of each value `w_` says whether an event is meant, `v_` is what it has, `f_` that where it
    is a number, and `s_` where it can stand.
    """
    columns: dict[str, Expression] = {}
    if group and group[0].events.at is not None:
        columns["at"] = moment_of(table, group[0].events.at, f"{group[0].place}.at")
    for item in group:
        kept = where_all(table, item.events.where, item.place)
        if kept is not None:
            columns[f"w_{item.name}"] = kept
        if item.events.value is None:
            continue
        is_whole = column_of(table, item.events.value, f"{item.place}.value").type()
        value = number_of(table, item.events.value, f"{item.place}.value")
        value = value if kept is None else _where(kept, value)
        columns[f"v_{item.name}"] = value
        finite = value
        if not (is_whole.is_integer() or is_whole.is_boolean()):
            finite = columns[f"f_{item.name}"] = _where(is_number(value), value)
        if item.outcome:
            columns[f"s_{item.name}"] = _where(finite.isin([0.0, 1.0]), finite)
        elif item.log:
            columns[f"s_{item.name}"] = _where(finite > 0.0, finite)
    return columns


def aggregated(rows: Table, group: Sequence[ValueOfEvents]) -> dict[str, Expression]:
    """Return the values of a unit, and by reason how many of its events were left out."""
    made: dict[str, Expression] = {}
    for item in group:
        made |= _aggregates(rows, item)
    return made


def skipped_names(name: str, columns: Sequence[str]) -> dict[str, str]:
    """Return by reason the column that counts what was left out of a value."""
    named = {reason: f"{name}_{reason}" for reason in REASONS}
    return {reason: column for reason, column in named.items() if column in columns}


def _aggregates(rows: Table, item: ValueOfEvents) -> dict[str, Expression]:
    meant = rows[f"w_{item.name}"] if f"w_{item.name}" in rows.columns else None
    if item.events.value is None:
        count = rows.count(where=meant)
        any_event = item.events.aggregate is UnitAggregate.ANY
        found = truth_as_number(count > 0) if any_event else count.cast("float64")
        return {item.name: found}
    names = [f"{step}_{item.name}" for step in "vfs"]
    held, *further = [rows[name] for name in names if name in rows.columns]
    sound = further[-1] if further else held
    made = {item.name: _aggregate(rows, sound, item)}
    if item.before:
        return made
    if names[1] in rows.columns and not item.log:
        made[f"{item.name}_{NOT_FINITE}"] = held.count() - rows[names[1]].count()
    finite = rows[names[1]] if names[1] in rows.columns else held
    if names[2] in rows.columns:
        why = NOT_BINARY if item.outcome else NOT_POSITIVE
        made[f"{item.name}_{why}"] = finite.count() - sound.count()
    if not item.log:
        made[f"{item.name}_{NO_VALUE}"] = rows.count(where=meant) - held.count()
    return made


def _aggregate(rows: Table, value: Expression, item: ValueOfEvents) -> Expression:
    return _AGGREGATES[item.events.aggregate](value.ln() if item.log else value, rows)


_AGGREGATES: dict[UnitAggregate, Callable[[Expression, Table], Expression]] = {
    UnitAggregate.MEAN: lambda value, _: value.mean(),
    UnitAggregate.SUM: lambda value, _: value.sum(),
    UnitAggregate.COUNT: lambda value, _: value.count().cast("float64"),
    UnitAggregate.ANY: lambda value, _: (value != 0.0).cast("int32").max().cast("float64"),
    UnitAggregate.MIN: lambda value, _: value.min(),
    UnitAggregate.MAX: lambda value, _: value.max(),
    UnitAggregate.FIRST: lambda value, rows: value.argmin(rows.at, where=value.notnull()),
    UnitAggregate.LAST: lambda value, rows: value.argmax(rows.at, where=value.notnull()),
}


def _where(condition: Expression, value: Expression) -> Expression:
    import ibis

    return ibis.ifelse(condition, value, ibis.null("float64"))
