"""One row for each unit, as an expression: its arm, its day, and its value of each metric."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from operator import and_
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
    text_of,
    where_all,
)
from meta_experiment.sources.warehouse.sought import SoughtCovariate, SoughtMetric
from meta_experiment.types.mapping import (
    EventMapping,
    ExposureMapping,
    UnitAggregate,
    WarehouseMapping,
)

DAY = 86400
REASONS = (NOT_FINITE, NOT_POSITIVE, NOT_BINARY)
NO_VALUE = "no_value"  # an event that has none where one was expected


@dataclass(frozen=True, slots=True)
class UnitColumns:
    """Names of the columns that one metric has in the table of units.

    `values` are the value and its covariates, or a ratio's two parts; `raw` the value in its
    unit where the scale is another; `skipped` by reason how many events were left out.
    """

    values: tuple[str, ...]
    raw: str | None
    skipped: Mapping[str, str]


def exposed_units(
    tables: Mapping[str, Table], mapping: WarehouseMapping, arms: Sequence[str], as_of: float
) -> Table:
    """Return each unit with its first exposure (`began`, `day`) and the arms it was seen in.

    `arm` is the place of its arm among the plan's, `tainted` whether it was seen in another
    as well, `in_0` and so on in which.
    """
    import ibis

    exposure = mapping.exposure
    table = tables[exposure.table]
    rows = exposure_rows(table, exposure, arms)
    rows = rows.filter(rows.unit.notnull(), rows.arm.notnull())
    if exposure.at is not None:
        rows = rows.filter(rows.at < moment(as_of))
    seen = {f"in_{place}": (rows.arm == place).cast("int8").max() for place in range(len(arms))}
    first = {"began": rows.at.min()} if exposure.at is not None else {}
    units = rows.group_by("unit").aggregate(
        arm=rows.arm.min(), last=rows.arm.max(), **first, **seen
    )
    day = (
        (units.began.epoch_seconds() // DAY).cast("int64")
        if exposure.at is not None
        else ibis.literal(0, "int64")
    )
    return units.mutate(day=day, tainted=units.arm != units["last"]).drop("last")


def exposure_rows(table: Table, exposure: ExposureMapping, arms: Sequence[str]) -> Table:
    """Return the rows of exposures as `unit`, `arm` and, where there is a time, `at`."""
    import ibis

    kept = where_all(table, exposure.where, "exposure")
    if kept is not None:
        table = table.filter(kept)
    named = text_of(table, exposure.variant, "exposure.variant")
    cases = [
        (
            named == value.lower() if _is_cast(table, exposure) else named == value,
            arms.index(name),
        )
        for value, name in exposure.variants.items()
    ]
    columns = {
        "unit": column_of(table, exposure.unit, "exposure.unit"),
        "arm": ibis.cases(*cases).cast("int64"),
        "variant": named,
    }
    if exposure.at is not None:
        columns["at"] = moment_of(table, exposure.at, "exposure.at")
    return table.select(**columns)


def _is_cast(table: Table, exposure: ExposureMapping) -> bool:
    return not column_of(table, exposure.variant, "exposure.variant").type().is_string()


def unit_table(
    tables: Mapping[str, Table],
    units: Table,
    sought: Sequence[SoughtMetric],
) -> tuple[Table, list[UnitColumns]]:
    """Return the units with the columns of every metric, and how these are called."""
    made = list(_made(sought))
    for group in _grouped(made):
        units = _with_events(tables, units, group)
    columns = {}
    for item in made:
        value = units[item.name]
        columns[item.name] = value.fill_null(0.0) if item.events.zero else value
    units = units.mutate(**columns)
    return _on_scale(units, sought)


@dataclass(frozen=True, slots=True)
class _Aggregated:
    """Column made of the events of a unit."""

    name: str
    place: str
    events: EventMapping
    log: bool  # of every event, before their mean
    outcome: bool
    before: bool  # the exposure, as covariates are


def _made(sought: Sequence[SoughtMetric]) -> Iterator[_Aggregated]:
    for number, metric in enumerate(sought):
        for part, events in enumerate(metric.parts):
            mean = events.aggregate is UnitAggregate.MEAN
            place = f"metrics.{metric.name}"
            outcome = metric.outcome and mean
            log = metric.log and mean
            yield _Aggregated(f"e{number}_{part}", place, events, False, outcome, False)
            if log:
                yield _Aggregated(f"l{number}", place, events, True, outcome, False)
        for part, covariate in enumerate(metric.covariates):
            place = f"covariates.{covariate.name}"
            yield _Aggregated(f"c{number}_{part}", place, covariate.events, False, False, True)


def _grouped(made: Sequence[_Aggregated]) -> list[list[_Aggregated]]:
    """Return what is made of the same events in one pass over them."""
    groups: dict[Any, list[_Aggregated]] = {}
    for item in made:
        events = item.events
        key = (events.table, events.unit, events.at, events.window, item.before)
        groups.setdefault(key, []).append(item)
    return list(groups.values())


def _with_events(
    tables: Mapping[str, Table],
    units: Table,
    group: list[_Aggregated],
) -> Table:
    """Return the units with what a group makes of the events in their window."""
    events, place = group[0].events, group[0].place
    table = tables[events.table]
    columns = {"unit": column_of(table, events.unit, f"{place}.unit")}
    if events.at is not None:
        columns["at"] = moment_of(table, events.at, f"{place}.at")
    for number, item in enumerate(group):
        kept = where_all(table, item.events.where, item.place)
        if kept is not None:
            columns[f"w{number}"] = kept
        if item.events.value is not None:
            columns[f"v{number}"] = number_of(table, item.events.value, f"{item.place}.value")
    rows = table.select(**columns)
    if all(f"w{number}" in columns for number in range(len(group))) and len(group) == 1:
        rows = rows.filter(rows.w0)
    known = units.select("unit", *(["began"] if events.window is not None else []))
    if known.unit.type() != rows.unit.type():
        rows = rows.mutate(unit=rows.unit.cast("string"))
        known = known.mutate(key=known.unit.cast("string"))
        joined = rows.rename(key="unit").inner_join(known, "key")
    else:
        joined = rows.inner_join(known, "unit")
    if events.window is not None:
        import ibis

        window = ibis.interval(seconds=int(events.window))
        if group[0].before:
            joined = joined.filter(joined.at < joined.began, joined.at >= joined.began - window)
        else:
            joined = joined.filter(joined.at >= joined.began, joined.at < joined.began + window)
    made = {}
    for number, item in enumerate(group):
        made.update(_aggregates(joined, number, item))
    return _joined(units, joined.group_by("unit").aggregate(**made))


def _joined(units: Table, made: Table) -> Table:
    made = made.rename(unit_of_events="unit")
    found = units.left_join(made, units.unit == made.unit_of_events)
    return found.drop("unit_of_events")


def _aggregates(joined: Table, number: int, item: _Aggregated) -> dict[str, Expression]:
    """Return the value of a unit and how many of its events were left out, by reason."""
    kept = joined[f"w{number}"] if f"w{number}" in joined.columns else None
    if item.events.value is None:
        count = joined.count(where=kept)
        any_event = item.events.aggregate is UnitAggregate.ANY
        value = (count > 0).cast("float64") if any_event else count.cast("float64")
        return {item.name: value}
    value = joined[f"v{number}"]
    refused = _refusals(value, item)
    sound = reduce(and_, (~bad for bad in refused.values()))
    if kept is not None:
        sound = kept & sound
        refused = {reason: kept & bad for reason, bad in refused.items()}
    made = {item.name: _aggregate(joined, value, sound, item)}
    if not (item.log or item.before):
        made |= {f"{item.name}_{why}": bad.sum() for why, bad in refused.items()}
        lacking = value.isnull() if kept is None else kept & value.isnull()
        made[f"{item.name}_{NO_VALUE}"] = lacking.sum()
    return made


def _refusals(value: Expression, item: _Aggregated) -> dict[str, Expression]:
    """Return by reason which events cannot stand; the first reason alone."""
    number = is_number(value)
    refused = {NOT_FINITE: ~number}
    if item.outcome:
        refused[NOT_BINARY] = number & value.notin([0.0, 1.0])
    if item.log:
        refused[NOT_POSITIVE] = number & (value <= 0.0)
    return refused


def _aggregate(
    joined: Table, value: Expression, sound: Expression, item: _Aggregated
) -> Expression:
    made = _AGGREGATES[item.events.aggregate]
    return made(value.ln() if item.log else value, sound, joined)


_AGGREGATES: dict[UnitAggregate, Callable[[Expression, Expression, Table], Expression]] = {
    UnitAggregate.MEAN: lambda value, sound, _: value.mean(where=sound),
    UnitAggregate.SUM: lambda value, sound, _: value.sum(where=sound),
    UnitAggregate.COUNT: lambda value, sound, _: value.count(where=sound).cast("float64"),
    UnitAggregate.ANY: lambda value, sound, _: (
        (value != 0.0).cast("int8").max(where=sound).cast("float64")
    ),
    UnitAggregate.MIN: lambda value, sound, _: value.min(where=sound),
    UnitAggregate.MAX: lambda value, sound, _: value.max(where=sound),
    UnitAggregate.FIRST: lambda value, sound, rows: value.argmin(rows.at, where=sound),
    UnitAggregate.LAST: lambda value, sound, rows: value.argmax(rows.at, where=sound),
}


def _on_scale(units: Table, sought: Sequence[SoughtMetric]) -> tuple[Table, list[UnitColumns]]:
    """Return the units with values on the metrics' scales, missing where they cannot stand."""
    import ibis

    columns, made = {}, []
    for number, metric in enumerate(sought):
        raw = units[f"e{number}_0"]
        value, skipped = raw, _skipped(units, number, metric)
        if len(metric.parts) == 2:
            both = raw.notnull() & units[f"e{number}_1"].notnull()
            parts = tuple(f"y{number}_{part}" for part in (0, 1))
            for part, name in enumerate(parts):
                columns[name] = ibis.ifelse(
                    both, units[f"e{number}_{part}"], ibis.null("float64")
                )
            made.append(UnitColumns(parts, None, skipped))
            continue
        if f"l{number}" in units.columns:
            value = units[f"l{number}"]
            columns[f"r{number}"] = ibis.ifelse(value.notnull(), raw, ibis.null("float64"))
        elif metric.log:
            stands = raw > 0.0
            columns[f"p{number}"] = (raw.notnull() & ~stands).cast("int64")
            skipped = {**skipped, NOT_POSITIVE: f"p{number}"}
            value = ibis.ifelse(stands, raw, ibis.null("float64")).ln()
            columns[f"r{number}"] = ibis.ifelse(stands, raw, ibis.null("float64"))
        columns[f"y{number}_0"] = value
        names = [f"y{number}_0"]
        for part, column in enumerate(_covariates(units, number, metric), 1):
            name = f"y{number}_{part}"
            columns[name] = ibis.ifelse(value.notnull(), column, ibis.null("float64"))
            names.append(name)
        raw_name = f"r{number}" if metric.log else None
        made.append(UnitColumns(tuple(names), raw_name, skipped))
    return units.mutate(**columns), made


def _skipped(units: Table, number: int, metric: SoughtMetric) -> dict[str, str]:
    del metric
    found = {}
    for reason in (*REASONS, NO_VALUE):
        name = f"e{number}_0_{reason}"
        if name in units.columns:
            found[reason] = name
    return found


def _covariates(units: Table, number: int, metric: SoughtMetric) -> list[Expression]:
    """Return the columns of a metric's covariates, as `SoughtMetric.columns` names them."""
    values = [
        _read(units[f"c{number}_{part}"], covariate)
        for part, covariate in enumerate(metric.covariates)
    ]
    found = [value.fill_null(0.0) for value in values]
    for value, covariate in zip(values, metric.covariates, strict=True):
        if not covariate.events.zero or covariate.log or covariate.size:
            found.append(value.isnull().cast("float64"))
    return found[: len(metric.columns)]


def _read(value: Expression, covariate: SoughtCovariate) -> Expression:
    import ibis

    nothing = ibis.null("float64")
    if covariate.size:
        return ibis.ifelse(value >= 0.0, value + 1.0, nothing).ln()
    if covariate.log:
        return ibis.ifelse(value > 0.0, value, nothing).ln()
    return value


def moment(at: float) -> Expression:
    """Return a moment in UTC as a literal."""
    from datetime import UTC, datetime

    import ibis

    return ibis.timestamp(datetime.fromtimestamp(at, UTC).replace(tzinfo=None))
