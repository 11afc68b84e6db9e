"""Everything that is asked of an engine for one collection, and whether its answers agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from meta_experiment.decide.collected import ArmDay, CollectedSums
from meta_experiment.errors import RemoteError
from meta_experiment.records import dataclass
from meta_experiment.sources.warehouse.columns import Table
from meta_experiment.sources.warehouse.engines import Engine
from meta_experiment.sources.warehouse.group_sums import arm_days, group_sums
from meta_experiment.sources.warehouse.sought import SoughtMetric, longest_window
from meta_experiment.sources.warehouse.unit_values import (
    DAY,
    UnitColumns,
    exposed_units,
    exposure_rows,
    moment,
    unit_table,
)
from meta_experiment.sources.warehouse.value_counts import value_counts
from meta_experiment.types.mapping import WarehouseMapping


@dataclass(frozen=True, slots=True)
class Period:
    """Units of what time are asked for, in seconds since 1970.

    They were first exposed from `start` on and before `end`, None for any time; all that is
    later than `as_of` is not there yet.
    """

    as_of: float
    start: float | None = None
    end: float | None = None

    def first_open_day(self, mapping: WarehouseMapping, window: float) -> int | None:
        """Return the first day whose units can still change; None where there is no time."""
        if not mapping.has_time:
            return None
        closed = self.as_of - window - mapping.lateness
        return int(closed // DAY)


@dataclass(frozen=True, slots=True)
class ExposureCount:
    """Rows and units of the exposures: how many there are, and why some do not count.

    `no_unit`, `no_variant`, `no_time` and `other_variant` are rows; `tainted` units that were
    seen in two arms, `gated` such as came outside the plan's dates, `waiting` such as may
    still change.
    """

    rows: int
    no_unit: int
    no_variant: int
    no_time: int
    other_variant: int
    units: int
    tainted: int
    gated: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Queries:
    """The expressions of one collection."""

    sums: Table
    values: Mapping[str, Table]
    tainted: Table
    units: Table
    rows: Table
    columns: tuple[UnitColumns, ...]


def queries(
    tables: Mapping[str, Table],
    mapping: WarehouseMapping,
    arms: Sequence[str],
    sought: Sequence[SoughtMetric],
    period: Period,
) -> Queries:
    """Return what is asked of an engine about these tables.

    Raises:
        NotFoundError, UsageError: a column is not there, or cannot be what it is to be.
    """
    every = exposed_units(tables, mapping, arms, period.as_of)
    counted = _with_standing(every, mapping, period, longest_window(sought))
    units, columns = unit_table(tables, counted.filter(counted.counts), sought)
    return Queries(
        sums=group_sums(units, columns),
        values={
            metric.name: value_counts(units, item)
            for metric, item in zip(sought, columns, strict=True)
            if metric.values
        },
        tainted=_tainted(counted, len(arms)),
        units=counted.aggregate(
            units=counted.count(),
            tainted=counted.tainted.sum(),
            gated=counted.gated.sum(),
            waiting=counted.waiting.sum(),
        ),
        rows=_rows(tables, mapping, arms),
        columns=tuple(columns),
    )


def collect(
    engine: Engine,
    mapping: WarehouseMapping,
    arms: Sequence[str],
    sought: Sequence[SoughtMetric],
    period: Period,
) -> tuple[CollectedSums, ExposureCount]:
    """Ask an engine for the sums of all days that are over, and count what is not in them.

    Raises:
        RemoteError: it failed, or its answers do not agree: a part is never taken for whole.
    """
    with engine.errors("reading the tables"):
        asked = queries(engine.tables(mapping), mapping, arms, sought, period)
    found = engine.rows(asked.sums)
    count = ExposureCount(**_whole(engine.rows(asked.rows)), **_whole(engine.rows(asked.units)))
    tainted = _by_arm(engine.rows(asked.tainted), arms)
    sums = arm_days(found, tainted, arms, sought, asked.columns, timed=mapping.has_time)
    for name, query in asked.values.items():
        sums = _with_values(sums, name, engine.rows(query), arms)
    _agree(sums, count, engine.name)
    return sums, count


def _with_standing(
    units: Table, mapping: WarehouseMapping, period: Period, window: float
) -> Table:
    """Return the units with whether each counts, or why it does not: one reason alone."""
    import ibis

    never = ibis.literal(value=False)
    gated, waiting = never, never
    if mapping.has_time:
        if period.start is not None:
            gated = gated | (units.began < moment(period.start))
        if period.end is not None:
            gated = gated | (units.began >= moment(period.end))
        waiting = units.day >= ibis.literal(period.first_open_day(mapping, window), "int64")
    units = units.mutate(gated=gated, waiting=~gated & waiting)
    units = units.mutate(tainted=units.tainted & ~(units.gated | units.waiting))
    return units.mutate(counts=~(units.gated | units.waiting | units.tainted))


def _tainted(units: Table, arms: int) -> Table:
    found = units.filter(units.tainted)
    return found.group_by("day").aggregate(
        **{f"in_{place}": found[f"in_{place}"].sum() for place in range(arms)}
    )


def _by_arm(
    rows: Sequence[Mapping[str, Any]], arms: Sequence[str]
) -> dict[tuple[str, int], int]:
    return {
        (arm, int(row["day"])): int(row[f"in_{place}"])
        for row in rows
        for place, arm in enumerate(arms)
        if row[f"in_{place}"]
    }


def _rows(tables: Mapping[str, Table], mapping: WarehouseMapping, arms: Sequence[str]) -> Table:
    rows = exposure_rows(tables[mapping.exposure.table], mapping.exposure, arms)
    timeless = rows.at.isnull().sum() if mapping.has_time else rows.unit.isnull().sum() * 0
    return rows.aggregate(
        rows=rows.count(),
        no_unit=rows.unit.isnull().sum(),
        no_variant=rows.variant.isnull().sum(),
        no_time=timeless,
        other_variant=(rows.variant.notnull() & rows.arm.isnull()).sum(),
    )


def _whole(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return {name: int(value or 0) for name, value in rows[0].items()}


def _with_values(
    sums: CollectedSums, name: str, rows: Sequence[Mapping[str, Any]], arms: Sequence[str]
) -> CollectedSums:
    """Return the sums with the values of a quantile's units."""
    found: dict[tuple[str, int], list[tuple[float, int]]] = {}
    for row in rows:
        place = arms[int(row["arm"])], int(row["day"])
        found.setdefault(place, []).append((float(row["value"]), int(row["units"])))

    def completed(day: ArmDay) -> ArmDay:
        values = tuple(sorted(found.get((day.variant, day.day or 0), ())))
        metric = replace(day.metrics[name], values=values)
        return replace(day, metrics={**day.metrics, name: metric})

    return replace(sums, days=tuple(map(completed, sums.days)))


def _agree(sums: CollectedSums, count: ExposureCount, engine: str) -> None:
    """Refuse answers that are not of the same units: of tables that changed, or of a part."""
    summed = sum(day.units for day in sums.days)
    expected = count.units - count.tainted - count.gated - count.waiting
    whole = all(
        sum(number for _, number in item.values) == item.joint.n
        for day in sums.days
        for item in day.metrics.values()
        if item.values
    )
    if summed == expected and whole:
        return
    raise RemoteError(
        f"{engine} summed {summed:,} units where it had counted {expected:,}: the tables "
        "changed in between, or it answered in part.",
        hint="Collect again; nothing of this was kept.",
    )
