"""The mapping of a warehouse as a document: what stands in a mapping file."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from meta_experiment.assign.uniform import sha256
from meta_experiment.errors import UsageError, cite
from meta_experiment.model import fields
from meta_experiment.model.fields import Document
from meta_experiment.model.plan_dates import date_in
from meta_experiment.types.mapping import (
    EventColumn,
    EventFilter,
    EventMapping,
    EventTable,
    EventTime,
    ExposureMapping,
    FilterOperator,
    FilterValue,
    TableForm,
    TimeForm,
    UnitAggregate,
    WarehouseMapping,
    WithoutEvents,
)

MAPPING_KEYS = {
    "$schema", "tables", "exposure", "zone", "window", "lateness", "as_of", "metrics",
    "covariates",
}  # fmt: skip
TABLE_KEYS = {"table", "path", "form"}
EXPOSURE_KEYS = {"table", "unit", "variant", "variants", "at", "where"}
EVENT_KEYS = {"table", "unit", "at", "value", "aggregate", "window", "without_events", "where"}
FILTER_KEYS = {"column", *(item.value for item in FilterOperator)}
COLUMN_KEYS = {"column", "path"}
TIME_KEYS = {*COLUMN_KEYS, "form", "zone"}
SECONDS_OF = {"days": 86400.0, "hours": 3600.0, "minutes": 60.0, "seconds": 1.0}

_LONGEST = 3650 * 86400.0  # seconds
_NEEDS_NO_VALUE = (UnitAggregate.COUNT, UnitAggregate.ANY)
_ZERO_WITHOUT = (UnitAggregate.SUM, UnitAggregate.COUNT, UnitAggregate.ANY)
_NEEDS_TIME = (UnitAggregate.FIRST, UnitAggregate.LAST)
_UNARY = (FilterOperator.MISSING, FilterOperator.PRESENT)
_SEVERAL = (FilterOperator.IN, FilterOperator.NOT_IN)


def mapping_from_document(value: object, folder: str = ".") -> WarehouseMapping:
    """Read a mapping.

    Raises:
        UsageError: a field is not what it should be; the message names its place.
    """
    document = fields.mapping(value, "mapping")
    fields.known_keys(document, MAPPING_KEYS, "mapping")
    tables = {
        name: _table(item, f"tables.{name}")
        for name, item in fields.mapping(document.get("tables"), "tables").items()
    }
    zone = _zone(document, "mapping")
    exposure = _exposure(document.get("exposure"), tables, zone)
    window = _seconds(document, "window", "mapping")
    defaults = _Defaults(tables, exposure, window, zone)
    metrics = dict(_events(document, "metrics", defaults))
    if not metrics:
        raise UsageError(
            "metrics: there is none, expected one at least, by its name in the plan.",
            hint="For example: metrics: {cost_usd: {table: requests, value: cost, "
            "aggregate: sum}}",
        )
    covariates = dict(_events(document, "covariates", defaults))
    if covariates and exposure.at is None:
        raise UsageError(
            "covariates: what was before an exposure is told by its time, expected exposure.at."
        )
    return WarehouseMapping(
        tables=tables,
        exposure=exposure,
        metrics=metrics,
        covariates=covariates,
        lateness=_seconds(document, "lateness", "mapping") or 0.0,
        as_of=date_in(document, "as_of", of="mapping"),
        digest=sha256(_canonical(document).encode()).hexdigest(),
        folder=folder,
    )


def _canonical(document: Document) -> str:
    """Return what decides which data are read; until when may differ from time to time."""
    kept = {key: item for key, item in document.items() if key not in ("as_of", "$schema")}
    return json.dumps(kept, sort_keys=True, default=str)


class _Defaults:
    """What events have when they do not say it themselves."""

    def __init__(
        self,
        tables: Mapping[str, EventTable],
        exposure: ExposureMapping,
        window: float | None,
        zone: str | None,
    ) -> None:
        self.tables, self.exposure, self.window, self.zone = tables, exposure, window, zone


def _table(value: object, where: str) -> EventTable:
    if isinstance(value, str):
        return EventTable(table=fields.text({"table": value}, "table", where))
    document = fields.mapping(value, where)
    fields.known_keys(document, TABLE_KEYS, where)
    if not document.keys() & {"table", "path"}:
        raise UsageError(f"{where}: expected table: NAME, or path: FILES.")
    table, path = (
        fields.text(document, key, where) if key in document else None
        for key in ("table", "path")
    )
    form = fields.word(document, "form", where, TableForm, TableForm.PLAIN)
    return EventTable(table, path, form)


def _known_table(document: Document, where: str, tables: Mapping[str, EventTable]) -> str:
    name = fields.text(document, "table", where)
    if name not in tables:
        raise UsageError(
            f"{where}.table: there is no {cite(name)} among the tables "
            f"({', '.join(tables) or 'none'}).",
            hint=fields.suggestion(name, tables) or "Name it below tables.",
        )
    return name


def _exposure(
    value: object, tables: Mapping[str, EventTable], zone: str | None
) -> ExposureMapping:
    where = "exposure"
    document = fields.mapping(value, where)
    fields.known_keys(document, EXPOSURE_KEYS, where)
    variants = document.get("variants")
    named = {
        _as_written(key): fields.text({"name": name}, "name", f"{where}.variants")
        for key, name in (variants.items() if isinstance(variants, Mapping) else ())
    }
    if not named:
        raise UsageError(
            f"{where}.variants: expected the plan's variants by what stands in the column.",
            hint="For example: variants: {A: control, B: treatment}",
        )
    table = _known_table(document, where, tables)
    return ExposureMapping(
        table=table,
        unit=_column(document.get("unit"), f"{where}.unit"),
        variant=_column(document.get("variant"), f"{where}.variant"),
        variants=named,
        at=_time(document, where, tables[table], zone),
        where=_filters(document, where),
    )


def _as_written(value: object) -> str:
    """Return a value of a column as text; YAML makes numbers and truths of some."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _events(
    document: Document, key: str, defaults: _Defaults
) -> Iterator[tuple[str, EventMapping]]:
    for name, item in fields.mapping(document.get(key) or {}, key).items():
        yield name, _event(item, f"{key}.{name}", defaults)


def _event(value: object, where: str, defaults: _Defaults) -> EventMapping:
    document = fields.mapping(value, where)
    fields.known_keys(document, EVENT_KEYS, where)
    exposure = defaults.exposure
    table = exposure.table
    if "table" in document:
        table = _known_table(document, where, defaults.tables)
    same = table == exposure.table
    aggregate = fields.word(document, "aggregate", where, UnitAggregate, UnitAggregate.MEAN)
    column = None
    if document.get("value") is not None or aggregate not in _NEEDS_NO_VALUE:
        column = _column(document.get("value"), f"{where}.value")
    at = _time(document, where, defaults.tables[table], defaults.zone)
    if at is None and same:
        at = exposure.at
    window = _seconds(document, "window", where) or defaults.window
    timed = exposure.at is not None
    if timed and (at is None or window is None):
        lacking = "at, the time of its events" if at is None else "window, as {days: 1}"
        raise UsageError(
            f"{where}: expected {lacking}, since exposures have a time.",
            hint="Without exposure.at nothing has a time, and there is one look.",
        )
    if aggregate in _NEEDS_TIME and at is None:
        raise UsageError(f"{where}: {aggregate.value} needs a time, expected at: COLUMN.")
    empty = WithoutEvents.ZERO if aggregate in _ZERO_WITHOUT else WithoutEvents.MISSING
    without = document.get("without_events", empty)
    if without not in [*WithoutEvents]:
        raise UsageError(f"{where}.without_events: expected {' or '.join(WithoutEvents)}.")
    return EventMapping(
        table=table,
        unit=(
            _column(document["unit"], f"{where}.unit")
            if document.get("unit") is not None
            else exposure.unit
        ),
        aggregate=aggregate,
        value=column,
        at=at if timed or aggregate in _NEEDS_TIME else None,
        window=window if timed else None,
        zero=without == WithoutEvents.ZERO,
        where=_filters(document, where),
    )


def _column(value: object, where: str, allowed: set[str] = COLUMN_KEYS) -> EventColumn:
    if isinstance(value, str):
        return EventColumn(fields.text({"column": value}, "column", where))
    if value is None:
        raise UsageError(f"{where}: expected the name of a column, found nothing.")
    document = fields.mapping(value, where)
    fields.known_keys(document, allowed, where)
    steps = fields.sequence(document.get("path"), f"{where}.path")
    path = tuple(fields.text({"path": step}, "path", where) for step in steps)
    return EventColumn(fields.text(document, "column", where), path)


def _time(event: Document, of: str, table: EventTable, zone: str | None) -> EventTime | None:
    """Read when something happened; None where it is not said."""
    value, where = event.get("at"), f"{of}.at"
    if value is None:
        return None
    column = _column(value, where, TIME_KEYS)
    document: Document = value if isinstance(value, Mapping) else {}
    form = fields.word(document, "form", where, TimeForm, TimeForm.TIMESTAMP)
    own = _zone(document, where)
    typed = form is not TimeForm.TIMESTAMP or table.form is not TableForm.PLAIN
    if own is not None and typed:
        raise UsageError(
            f"{where}.zone: what counts since 1970, and the client's telemetry, have no zone.",
            hint="Leave zone out.",
        )
    return EventTime(column, form, None if typed else own or zone)


def _zone(document: Document, where: str) -> str | None:
    """Read the name of a zone, as IANA has it."""
    if document.get("zone") is None:
        return None
    name = fields.text(document, "zone", where)
    from zoneinfo import available_timezones  # where a zone is said, and nowhere else

    known = available_timezones() - {"localtime"}  # which is another on every machine
    if name in known:
        return name
    raise UsageError(
        f"{where}.zone: there is no zone {cite(name)}, expected a name such as Europe/Berlin.",
        hint=fields.suggestion(name, known)
        or (
            "Look it up: python3 -c 'import zoneinfo; print(zoneinfo.available_timezones())'"
            if known
            else "This machine has no zones: pip install tzdata"
        ),
    )


def _filters(document: Document, where: str) -> tuple[EventFilter, ...]:
    listed = fields.sequence(document.get("where"), f"{where}.where")
    return tuple(_filter(item, f"{where}.where[{place}]") for place, item in enumerate(listed))


def _filter(value: object, where: str) -> EventFilter:
    document = fields.mapping(value, where)
    fields.known_keys(document, FILTER_KEYS, where)
    column = _column(document.get("column"), f"{where}.column")
    said = [item for item in FilterOperator if item.value in document]
    if len(said) != 1:
        raise UsageError(
            f"{where}: expected one comparison, found "
            f"{' and '.join(item.value for item in said) or 'none'}.",
            hint=f"One of {', '.join(FilterOperator)}, as {{column: status, equals: ok}}.",
        )
    operator = said[0]
    held = document[operator.value]
    if operator in _UNARY:
        if held is not True:
            raise UsageError(f"{where}.{operator.value}: expected true.")
        return EventFilter(column, operator)
    if (operator in _SEVERAL) != isinstance(held, list) or held in (None, []):
        what = "a list of values" if operator in _SEVERAL else "one value"
        raise UsageError(
            f"{where}.{operator.value}: expected {what}, found {fields.shown(held)}."
        )
    values = held if isinstance(held, list) else [held]
    place = f"{where}.{operator.value}"
    return EventFilter(column, operator, tuple(_literal(item, place) for item in values))


def _literal(value: Any, where: str) -> FilterValue:  # noqa: ANN401
    if isinstance(value, str | bool):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, int) and abs(value) < 2**63:
        return value
    raise UsageError(
        f"{where}: expected a text, a number that is finite and has at most 64 bits, true or "
        f"false; found {fields.shown(value)}."
    )


def _seconds(document: Document, key: str, where: str) -> float | None:
    """Read a length of time, as {days: 7} or {hours: 1, minutes: 30}; None without one."""
    if document.get(key) is None:
        return None
    place = f"{where}.{key}"
    parts = fields.mapping(document[key], place)
    fields.known_keys(parts, SECONDS_OF, place)
    found = sum(fields.number(parts, part, place, low=0.0) * SECONDS_OF[part] for part in parts)
    if not 1.0 <= found <= _LONGEST or found != int(found):
        raise UsageError(
            f"{place}: expected a length of time in whole seconds, such as {{days: 7}}, up to "
            f"{_LONGEST / SECONDS_OF['days']:,.0f} days."
        )
    return found
