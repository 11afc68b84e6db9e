"""Everything that is asked of an engine for one collection, and whether its answers agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from meta_experiment.decide.collected import ArmDay, CollectedSums
from meta_experiment.errors import RemoteError, UsageError, cite
from meta_experiment.records import dataclass
from meta_experiment.sources.warehouse.column_types import require_types
from meta_experiment.sources.warehouse.column_values import require_values, unreadable
from meta_experiment.sources.warehouse.columns import Table
from meta_experiment.sources.warehouse.engines import Engine
from meta_experiment.sources.warehouse.exposures import DAY, exposed_units, moment
from meta_experiment.sources.warehouse.group_sums import Row, arm_days, arm_of, group_sums
from meta_experiment.sources.warehouse.sought import SoughtMetric, longest_window
from meta_experiment.sources.warehouse.unit_values import (
    UnitColumns,
    made_inline,
    unit_table,
)
from meta_experiment.sources.warehouse.unmatched import require_matches
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

    `no_unit`, `no_variant`, `no_time` and `other_variant` are rows, as are those of `later`
    than is asked for; `tainted` units that were seen in two arms, `gated` such as came outside
    the plan's dates, `waiting` such as may still change.
    """

    rows: int
    no_unit: int
    no_variant: int
    no_time: int
    other_variant: int
    later: int
    units: int
    tainted: int
    gated: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Queries:
    """The expressions of one collection: one for all sums and counts, one for each quantile."""

    sums: Table
    values: Mapping[str, Table]
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
    require_types(tables, mapping)
    inline = made_inline(mapping.exposure, sought)
    every = exposed_units(tables, mapping.exposure, arms, period.as_of, inline)
    open_day = period.first_open_day(mapping, longest_window(sought))
    standing = _with_standing(every, mapping, period, open_day, len(arms))
    units, columns = unit_table(tables, standing, sought, inline)
    return Queries(
        sums=group_sums(units, columns),
        values={
            metric.name: value_counts(units, item)
            for metric, item in zip(sought, columns, strict=True)
            if metric.values
        },
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
        tables = engine.tables(mapping)
        asked = queries(tables, mapping, arms, sought, period)
    require_values(engine, tables, mapping)
    rows = _answered(engine, asked.sums, tables, mapping)
    if any(int(row["groups"]) != len(rows) for row in rows):
        raise _in_part(engine.name, len(rows), rows[0]["groups"])
    open_day = period.first_open_day(mapping, longest_window(sought))
    groups = [_AlikeUnits(row, open_day) for row in rows]
    tainted = _tainted([it for it in groups if it.standing == "tainted"], arms)
    counted = [it.row for it in groups if it.standing == "counts"]
    sums = arm_days(counted, tainted, arms, sought, asked.columns, timed=mapping.has_time)
    for name, query in asked.values.items():
        sums = _with_values(sums, name, engine.rows(query), arms)
    _check_values(sums, engine.name)
    require_matches(engine, tables, mapping.exposure, sought, sums)
    return sums, _exposure_count(groups)


def _answered(
    engine: Engine, query: Table, tables: Mapping[str, Table], mapping: WarehouseMapping
) -> list[dict[str, Any]]:
    """Return what is answered, or name the column that an engine cannot read as it is meant."""
    try:
        return engine.rows(query)
    except RemoteError as error:
        found = unreadable(engine, tables, mapping)
        if found is None:
            raise
        name = found.column.name
        raise UsageError(
            f"{found.place}: column {cite(name)} of table {cite(found.table)} cannot be read "
            f"as {found.use.value}. {error.message}",
            hint=f"Read a view in which it has a common type, as CAST({name} AS numeric).",
        ) from None


def _with_standing(
    units: Table, mapping: WarehouseMapping, period: Period, open_day: int | None, arms: int
) -> Table:
    """Return the units with what keeps one from counting, and whether it counts."""
    import ibis

    gated = ibis.literal(value=False)
    if mapping.has_time:
        if period.start is not None:
            gated = gated | (units.began < moment(period.start))
        if period.end is not None:
            gated = gated | (units.began >= moment(period.end))
        gated = gated.fill_null(ibis.literal(value=False))
    nameless = units.unit.isnull()
    in_one = units.seen.isin([1 << place for place in range(arms)])
    counts = in_one & ~(gated | nameless)
    if open_day is not None:
        counts = counts & (units.day < open_day)
    return units.mutate(gated=gated, nameless=nameless, counts=counts)


class _AlikeUnits:
    """Units that stand alike: whether they count, or the one reason why they do not."""

    def __init__(self, row: Row, open_day: int | None) -> None:
        self.row, self.seen = row, int(row["seen"] or 0)
        if row["nameless"] or not self.seen:
            self.standing = "unexposed"
        elif row["gated"]:
            self.standing = "gated"
        elif open_day is not None and int(row["day"]) >= open_day:
            self.standing = "waiting"
        else:
            self.standing = "tainted" if self.seen & (self.seen - 1) else "counts"

    def count(self, name: str = "units") -> int:
        """Return a count of the units or of their exposures."""
        return int(self.row.get(name) or 0)


def _tainted(groups: Sequence[_AlikeUnits], arms: Sequence[str]) -> dict[tuple[str, int], int]:
    found: dict[tuple[str, int], int] = {}
    for group in groups:
        for place, arm in enumerate(arms):
            if group.seen >> place & 1:
                key = arm, int(group.row["day"])
                found[key] = found.get(key, 0) + group.count()
    return found


def _exposure_count(groups: Sequence[_AlikeUnits]) -> ExposureCount:
    def total(name: str, of: Sequence[_AlikeUnits] = groups) -> int:
        return sum(group.count(name) for group in of)

    def standing(name: str) -> int:
        return total("units", [it for it in groups if it.standing == name])

    timed = bool(groups) and "times" in groups[0].row
    unseen = [it for it in groups if it.standing == "unexposed" and not it.row["nameless"]]
    return ExposureCount(
        rows=total("rows"),
        no_unit=total("rows", [it for it in groups if it.row["nameless"]]),
        no_variant=total("rows") - total("variants"),
        no_time=total("rows") - total("times") if timed else 0,
        other_variant=total("variants") - total("known"),
        later=_later(unseen) if timed else 0,
        units=total("units", [it for it in groups if it.standing != "unexposed"]),
        tainted=standing("tainted"),
        gated=standing("gated"),
        waiting=standing("waiting"),
    )


def _later(unseen: Sequence[_AlikeUnits]) -> int:
    """Return how many exposures at least are later than what is asked for.

    Their units were seen in no arm, though they have an arm of the plan, and a time.
    """
    untimed = sum(it.count("rows") - it.count("times") for it in unseen)
    return max(0, sum(it.count("known") for it in unseen) - untimed)


def _with_values(
    sums: CollectedSums, name: str, rows: Sequence[Mapping[str, Any]], arms: Sequence[str]
) -> CollectedSums:
    """Return the sums with the values of a quantile's units."""
    found: dict[tuple[str, int], list[tuple[float, int]]] = {}
    for row in rows:
        place = arms[arm_of(row["seen"])], int(row["day"])
        found.setdefault(place, []).append((float(row["value"]), int(row["units"])))

    def completed(day: ArmDay) -> ArmDay:
        values = tuple(sorted(found.get((day.variant, day.day or 0), ())))
        metric = replace(day.metrics[name], values=values)
        return replace(day, metrics={**day.metrics, name: metric})

    return replace(sums, days=tuple(map(completed, sums.days)))


def _check_values(sums: CollectedSums, engine: str) -> None:
    """Refuse values that are not of the units that were summed."""
    for day in sums.days:
        for item in day.metrics.values():
            found = sum(number for _, number in item.values)
            if item.values and found != item.joint.n:
                raise _in_part(engine, found, item.joint.n)


def _in_part(engine: str, found: int, expected: int) -> RemoteError:
    return RemoteError(
        f"{engine} answered with {found:,} where there are {expected:,}: the tables changed in "
        "between, or it answered in part.",
        hint="Collect again; nothing of this was kept.",
    )
