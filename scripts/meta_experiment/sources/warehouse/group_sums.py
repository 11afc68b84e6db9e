"""Sums of units by arm and day, as one query; and what its rows come to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from meta_experiment.decide.collected import ArmDay, CollectedSums, MetricSums
from meta_experiment.errors import RemoteError
from meta_experiment.sources.warehouse.columns import Expression, Table
from meta_experiment.sources.warehouse.event_values import NO_VALUE
from meta_experiment.sources.warehouse.sought import SoughtMetric
from meta_experiment.sources.warehouse.unit_values import UnitColumns
from meta_experiment.stats.joint_moments import JointMoments

GROUP = ("seen", "day", "gated", "nameless")
_ROWS = ("rows", "times", "variants", "known")  # of exposures
Row = Mapping[str, Any]


def group_sums(units: Table, columns: Sequence[UnitColumns]) -> Table:
    """Return a row for each set of units that stand alike: how many, and sums of each metric.

    Deviations are from the mean of the units of an arm and day, so that no digit is lost to an
    offset. What they still sum to says by how much that mean was rounded. `groups` says in
    every row how many there are.
    """
    import ibis

    origin = units.group_by(["seen", "day"]).aggregate(
        **{f"m_{name}": units[name].mean() for name in _measured(columns)}
    )
    origin = origin.rename(of_seen="seen", of_day="day")
    alike = (units.seen == origin.of_seen) & (units.day == origin.of_day)
    units = units.inner_join(origin, alike)
    units = units.mutate(
        **{f"d_{name}": units[name] - units[f"m_{name}"] for name in _measured(columns)}
    )
    made: dict[str, Expression] = {"units": units.count()}
    made |= {name: units[name].sum() for name in _ROWS if name in units.columns}
    for item in columns:
        made[f"n_{item.values[0]}"] = units[item.values[0]].count()
        made |= _products(units, item.values)
        made[f"b_{item.values[0]}"] = units[item.values[0]].notin([0.0, 1.0]).sum()
        if item.raw is not None:
            made |= _products(units, (item.raw,))
        for name in item.skipped.values():
            made[f"k_{name}"] = units[name].sum()
    found = units.group_by(list(GROUP)).aggregate(**made)
    return found.mutate(groups=found.count().over(ibis.window()))


def _measured(columns: Sequence[UnitColumns]) -> Iterator[str]:
    for item in columns:
        yield from item.values
        if item.raw is not None:
            yield item.raw


def _products(units: Table, names: Sequence[str]) -> dict[str, Expression]:
    made = {}
    for place, name in enumerate(names):
        deviation = units[f"d_{name}"]
        made[f"c_{name}"] = units[f"m_{name}"].max()
        made[f"s_{name}"] = deviation.sum()
        for other in names[place:]:
            made[f"p_{name}_{other}"] = (deviation * units[f"d_{other}"]).sum()
    return made


def arm_days(
    rows: Sequence[Row],
    tainted: Mapping[tuple[str, int], int],
    arms: Sequence[str],
    sought: Sequence[SoughtMetric],
    columns: Sequence[UnitColumns],
    *,
    timed: bool,
) -> CollectedSums:
    """Return what rows of `group_sums` say that count, by day and the plan's order of arms.

    `tainted` are the units of an arm and day that were seen in another as well.
    """
    known = {(arms[arm_of(row["seen"])], int(row["day"])): row for row in rows}
    places = sorted({*known, *tainted}, key=lambda place: (place[1], arms.index(place[0])))
    return CollectedSums(
        tuple(
            ArmDay(
                variant,
                day if timed else None,
                int(known.get((variant, day), {}).get("units", 0)),
                tainted.get((variant, day), 0),
                {
                    metric.name: _metric_sums(known.get((variant, day), {}), item)
                    for metric, item in zip(sought, columns, strict=True)
                },
            )
            for variant, day in places
        ),
        {metric.name: metric.columns for metric in sought if metric.covariates},
    )


def arm_of(seen: float) -> int:
    """Return the place of the one arm that a unit was seen in."""
    return int(seen).bit_length() - 1


def _metric_sums(row: Row, item: UnitColumns) -> MetricSums:
    return MetricSums(
        joint=_joint(row, item.values, item.values[0]),
        raw=None if item.raw is None else _joint(row, (item.raw,), item.values[0]),
        binary=not row.get(f"b_{item.values[0]}"),
        skipped={
            reason: int(row.get(f"k_{name}") or 0)
            for reason, name in item.skipped.items()
            if row.get(f"k_{name}")
        },
    )


def _joint(row: Row, names: Sequence[str], counted: str) -> JointMoments:
    n = int(row.get(f"n_{counted}") or 0)
    if not n:
        return JointMoments.of_sums(0, (0.0,) * len(names), (), ())
    products = [
        [_number(row, f"p_{names[min(i, j)]}_{names[max(i, j)]}") for j in range(len(names))]
        for i in range(len(names))
    ]
    return JointMoments.of_sums(
        n,
        tuple(_number(row, f"c_{name}") for name in names),
        tuple(_number(row, f"s_{name}") for name in names),
        tuple(map(tuple, products)),
    )


def _number(row: Row, name: str) -> float:
    value = row[name]
    if value is None or not math.isfinite(value):
        raise RemoteError(
            f"The engine answered {value!r} where a sum was asked for; expected a number.",
            hint="Values near 1e75 cannot be squared and added: filter them out.",
        )
    return float(value)


def skipped_without_value(sums: CollectedSums) -> int:
    """Return how many events had no value where one was expected."""
    return sum(
        item.skipped.get(NO_VALUE, 0) for day in sums.days for item in day.metrics.values()
    )
