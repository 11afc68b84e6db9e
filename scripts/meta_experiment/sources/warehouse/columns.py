"""Columns of a mapping as expressions on tables of an engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from meta_experiment.errors import NotFoundError, UsageError, cite
from meta_experiment.model.fields import suggestion
from meta_experiment.sources.warehouse.local_times import SAYS_ZONE, in_utc
from meta_experiment.types.mapping import (
    EventColumn,
    EventFilter,
    EventTime,
    FilterOperator,
    FilterValue,
    TimeForm,
)

Expression = Any  # of Ibis, whose types are loaded with it
Table = Any

_PER_SECOND = {
    TimeForm.SECONDS: 1,
    TimeForm.MILLISECONDS: 10**3,
    TimeForm.MICROSECONDS: 10**6,
    TimeForm.NANOSECONDS: 10**9,
}
_MICROSECOND = 1e-6
_LATEST = 2.0**53  # microseconds from 1970, until which each is told apart
_LARGEST = 1e75  # the square of a ratio of two such numbers is still a number


def column_of(table: Table, wanted: EventColumn, where: str) -> Expression:
    """Return a column, or what lies within it.

    Raises:
        NotFoundError: there is none; the nearest is named. UsageError: nothing lies within it.
    """
    if wanted.name not in table.columns:
        listed = ", ".join(table.columns[:30])
        raise NotFoundError(
            f"{where}: the table has no column {cite(wanted.name)}; it has {listed}.",
            hint=suggestion(wanted.name, table.columns),
        )
    found = table[wanted.name]
    for key in wanted.path:
        found = _within(found, key, wanted, where)
    if wanted.path and found.type().is_json():
        found = found.str
    return found


def _within(found: Expression, key: str, wanted: EventColumn, where: str) -> Expression:
    kind = found.type()
    if kind.is_struct():
        if key not in kind.names:
            raise NotFoundError(
                f"{where}: {wanted.name} has no {cite(key)}; it has {', '.join(kind.names)}.",
                hint=suggestion(key, kind.names),
            )
        return found[key]
    if kind.is_map():
        return found.get(key)
    if kind.is_string():
        found = found.cast("json")
    elif not kind.is_json():
        raise UsageError(
            f"{where}: {wanted.name} is {kind}, in which nothing has a name; leave path out."
        )
    return found[key]


def moment_of(table: Table, at: EventTime, where: str) -> Expression:
    """Return a moment without a zone, in UTC."""
    import ibis

    found = column_of(table, at.column, where)
    kind = found.type()
    if at.form is not TimeForm.TIMESTAMP:
        return _since_1970(found.cast("float64"), 1 / _MICROSECOND / _PER_SECOND[at.form])
    if kind.is_string():
        moment = found.cast("timestamp('UTC')").cast("timestamp")
        if at.zone is None:
            return moment
        return ibis.ifelse(found.re_search(SAYS_ZONE), moment, in_utc(moment, at.zone))
    if kind.is_timestamp() and kind.timezone:
        return found.cast("timestamp('UTC')").cast("timestamp")
    if kind.is_date() or kind.scale not in (None, 6):
        found = found.cast("timestamp")
    return found if at.zone is None else in_utc(found, at.zone)


def _since_1970(count: Expression, microseconds: float) -> Expression:
    """Return the moment after so many units of time, if there can be such."""
    import ibis

    after = count * microseconds
    after = ibis.ifelse(after.between(-_LATEST, _LATEST), after, ibis.null("float64"))
    return ibis.timestamp("1970-01-01") + after.round().cast("int64").as_interval("us")


def alike(one: Expression, other: Expression) -> tuple[Expression, Expression]:
    """Return two columns of keys so that they can be compared: as text if one is text.

    What some program made floating, as many do where a key is missing, is a whole number still.
    """
    if one.type() == other.type() and not one.type().is_floating():
        return one, other
    keys = tuple(it.cast("int64") if it.type().is_floating() else it for it in (one, other))
    if all(it.type().is_integer() for it in keys):
        return keys[0].cast("int64"), keys[1].cast("int64")
    return keys[0].cast("string"), keys[1].cast("string")


def number_of(table: Table, wanted: EventColumn, where: str) -> Expression:
    """Return a number, of truths 1 and 0."""
    found = column_of(table, wanted, where)
    kind = found.type()
    if kind.is_boolean():
        return truth_as_number(found)
    return found if kind.is_float64() else found.cast("float64")


def truth_as_number(truth: Expression) -> Expression:
    """Return 1 or 0 for a truth, by way of whole numbers, as some engines refuse the other."""
    return truth.cast("int32").cast("float64")


def text_of(table: Table, wanted: EventColumn, where: str) -> Expression:
    """Return a value as text, truths as `true` and `false`."""
    found = column_of(table, wanted, where)
    return found if found.type().is_string() else found.cast("string").lower()


def is_number(value: Expression) -> Expression:
    """Return whether a number is finite, and its square as well."""
    least = 1 / _LARGEST
    sound = value.between(-_LARGEST, _LARGEST)  # no NaN either, which engines hold for greatest
    return sound & (~value.between(-least, least) | (value == 0.0))


def where_all(table: Table, conditions: Sequence[EventFilter], where: str) -> Expression | None:
    """Return whether all conditions hold; None where there are none."""
    found = [
        _condition(table, item, f"{where}.where[{place}]")
        for place, item in enumerate(conditions)
    ]
    return reduce(lambda one, other: one & other, found) if found else None


def _condition(table: Table, wanted: EventFilter, where: str) -> Expression:
    found = column_of(table, wanted.column, where)
    values = [_literal(item, found) for item in wanted.values]
    return _COMPARISONS[wanted.operator](found, values)


_COMPARISONS: dict[FilterOperator, Callable[[Expression, list[Expression]], Expression]] = {
    FilterOperator.MISSING: lambda found, _: found.isnull(),
    FilterOperator.PRESENT: lambda found, _: found.notnull(),
    FilterOperator.IN: lambda found, values: found.isin(values),
    FilterOperator.NOT_IN: lambda found, values: found.notin(values),
    FilterOperator.EQUALS: lambda found, values: found == values[0],
    FilterOperator.DIFFERS: lambda found, values: found != values[0],
    FilterOperator.BELOW: lambda found, values: found < values[0],
    FilterOperator.AT_MOST: lambda found, values: found <= values[0],
    FilterOperator.ABOVE: lambda found, values: found > values[0],
    FilterOperator.AT_LEAST: lambda found, values: found >= values[0],
}


def _literal(value: FilterValue, compared: Expression) -> Expression:
    """Return a value as a literal that a column can be compared with."""
    import ibis

    found = ibis.literal(value)
    return found.cast(compared.type()) if compared.type().is_temporal() else found
