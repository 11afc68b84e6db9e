"""The values of each unit, as expressions: of its events, on the scales of the metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from meta_experiment.decide.metrics.sample import NOT_POSITIVE
from meta_experiment.records import dataclass
from meta_experiment.sources.warehouse.columns import (
    Expression,
    Table,
    alike,
    column_of,
    truth_as_number,
)
from meta_experiment.sources.warehouse.event_values import (
    ValueOfEvents,
    aggregated,
    event_columns,
    event_values,
    of_the_same_events,
    skipped_names,
)
from meta_experiment.sources.warehouse.sought import SoughtCovariate, SoughtMetric
from meta_experiment.types.mapping import ExposureMapping


@dataclass(frozen=True, slots=True)
class UnitColumns:
    """Names of the columns that one metric has in the table of units.

    `values` are the value and its covariates, or a ratio's two parts; `raw` the value in its
    unit where the scale is another; `skipped` by reason how many events were left out.
    """

    values: tuple[str, ...]
    raw: str | None
    skipped: Mapping[str, str]


def made_inline(
    exposure: ExposureMapping, sought: Sequence[SoughtMetric]
) -> Sequence[ValueOfEvents]:
    """Return what is made of the very rows of exposures, so that they are read once.

    Where a window begins with a unit's first exposure, all of them have to be seen before.
    """
    for group in of_the_same_events(list(event_values(sought))):
        events = group[0].events
        place = (events.table, events.unit, events.window)
        if place == (exposure.table, exposure.unit, None) and not exposure.where:
            return group
    return ()


def unit_table(
    tables: Mapping[str, Table],
    units: Table,
    sought: Sequence[SoughtMetric],
    inline: Sequence[ValueOfEvents] = (),
) -> tuple[Table, list[UnitColumns]]:
    """Return the units with the columns of every metric, and how these are called.

    `inline` is there already. Only units that count get values of others.
    """
    made = list(event_values(sought))
    for group in of_the_same_events(made):
        if group != list(inline):
            units = _with_events(tables, units, group)
    columns = {}
    for item in made:
        value = units[item.name]
        columns[item.name] = value.fill_null(0.0) if item.events.zero else value
    units = units.mutate(**columns)
    return _on_scale(units, sought)


def _with_events(
    tables: Mapping[str, Table], units: Table, group: Sequence[ValueOfEvents]
) -> Table:
    """Return the units with what a group makes of the events in their window."""
    events, place = group[0].events, group[0].place
    table = tables[events.table]
    unit = column_of(table, events.unit, f"{place}.unit")
    rows = table.select(unit=unit, **event_columns(table, group))
    if len(group) == 1 and f"w_{group[0].name}" in rows.columns:
        rows = rows.filter(rows[f"w_{group[0].name}"])
    known = units.filter(units.counts)
    known = known.select("unit", **_window(known, group[0]))
    of_events, of_unit = alike(rows.unit, known.unit)
    if of_unit.equals(known.unit):
        joined = rows.inner_join(known, "unit")
    else:
        rows = rows.mutate(key=of_events).drop("unit")
        joined = rows.inner_join(known.mutate(key=of_unit), "key")
    if events.window is not None:
        joined = joined.filter(joined.at >= joined.opens, joined.at < joined.closes)
    made = joined.group_by("unit").aggregate(**aggregated(joined, group))
    made = made.rename(unit_of_events="unit")
    found = units.left_join(made, units.unit == made.unit_of_events)
    return found.drop("unit_of_events")


def _window(units: Table, item: ValueOfEvents) -> dict[str, Expression]:
    """Return from when until when events count, computed once for each unit."""
    if item.events.window is None:
        return {}
    import ibis

    window = ibis.interval(seconds=int(item.events.window))
    if item.before:
        return {"opens": units.began - window, "closes": units.began}
    return {"opens": units.began, "closes": units.began + window}


def _on_scale(units: Table, sought: Sequence[SoughtMetric]) -> tuple[Table, list[UnitColumns]]:
    """Return the units with values on the metrics' scales, missing where they cannot stand."""
    import ibis

    columns, made = {}, []
    for number, metric in enumerate(sought):
        raw = units[f"e{number}_0"]
        value = raw
        skipped = {
            **skipped_names(f"e{number}_0", units.columns),
            **skipped_names(f"l{number}", units.columns),
        }
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
            columns[f"p{number}"] = (raw.notnull() & ~stands).cast("int32")
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


def _covariates(units: Table, number: int, metric: SoughtMetric) -> list[Expression]:
    """Return the columns of a metric's covariates, as `SoughtMetric.columns` names them."""
    values = [
        _read(units[f"c{number}_{part}"], covariate)
        for part, covariate in enumerate(metric.covariates)
    ]
    found = [value.fill_null(0.0) for value in values]
    for value, covariate in zip(values, metric.covariates, strict=True):
        if not covariate.events.zero or covariate.log or covariate.size:
            found.append(truth_as_number(value.isnull()))
    return found[: len(metric.columns)]


def _read(value: Expression, covariate: SoughtCovariate) -> Expression:
    import ibis

    nothing = ibis.null("float64")
    if covariate.size:
        return ibis.ifelse(value >= 0.0, value + 1.0, nothing).ln()
    if covariate.log:
        return ibis.ifelse(value > 0.0, value, nothing).ln()
    return value
