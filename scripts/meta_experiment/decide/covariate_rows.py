"""Covariates: what was known of a unit before its variant was drawn, as rows of numbers.

What is recorded comes with a unit's first trial, what is derived from when units began and
closed. Nothing here depends on the order in which trials are handed over. Where a value is
missing the mean of the others stands, and of what is recorded a column says so: both are known
before the draw.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from meta_experiment.decide.metrics.sample import MISSING, SHARE, CovariateRows, Sample
from meta_experiment.decide.units import Arm, UnitRecord, mean
from meta_experiment.records import dataclass
from meta_experiment.types import Metric, Scale
from meta_experiment.types.covariates import MOST_COLUMNS

Column = list[float | None]


@dataclass(frozen=True, slots=True)
class UnitValue:
    """Unit with its value of a metric on that metric's scale, None without one.

    `treated` is 0 in the control and 1 in a treatment.
    """

    record: UnitRecord
    value: float | None
    treated: float


def _size(value: float, metric: Metric) -> float | None:
    del metric
    return math.log1p(value) if value >= 0 else None


def _on_scale(value: float, metric: Metric) -> float | None:
    if metric.scale is Scale.RAW:
        return value
    return math.log(value) if value > 0 else None


def _as_recorded(value: float, metric: Metric) -> float | None:
    del metric
    return value


_READINGS: dict[str, Callable[[float, Metric], float | None]] = {
    "argument_length": _size,
    "diff_size": _size,
    "own_past": _on_scale,
}


def _position(units: Sequence[UnitValue]) -> Iterator[Column]:
    """Yield how many units began before each."""
    times = sorted(began for unit in units if (began := unit.record.began) is not None)
    yield [
        None if (began := unit.record.began) is None else float(bisect_left(times, began))
        for unit in units
    ]


def _previous(units: Sequence[UnitValue]) -> Iterator[Column]:
    """Yield the value and the arm of what closed last before each unit began.

    Units that closed at the very same time stand with their mean.
    """
    closed = sorted(
        (at, unit.value, unit.treated) for unit in units
         if unit.value is not None and (at := unit.record.closed) is not None
    )  # fmt: skip
    times, last = [], []
    for at, group in groupby(closed, key=lambda item: item[0]):
        alike = list(group)
        times.append(at)
        last.append((mean([item[1] for item in alike]), mean([item[2] for item in alike])))
    before = [
        None if (began := unit.record.began) is None else bisect_left(times, began) - 1
        for unit in units
    ]
    for part in (0, 1):
        yield [None if place is None or place < 0 else last[place][part] for place in before]


_DERIVATIONS: dict[str, Callable[[Sequence[UnitValue]], Iterator[Column]]] = {
    "position": _position,
    "previous": _previous,
}


def _shares(
    units: Sequence[UnitValue], arms: Sequence[tuple[Arm, Sample]]
) -> dict[str, list[float]]:
    """Return the chance of each treatment against the control when a unit was drawn.

    The residuals of who was treated on it have nothing to do with when the unit came, so that
    what changes in time while shares do is taken out (Robins, Mark and Newey 1992, Biometrics
    48(2)). Treatments with one chance share a column.
    """
    found: dict[tuple[float, ...], str] = {}
    for place, (arm, _) in enumerate(arms[1:], 1):
        column = (
            None
            if (draw := unit.record.draw) is None or len(draw.parts) != len(arms)
            else draw.parts[place] / ((draw.parts[0] + draw.parts[place]) or 1)
            for unit in units
        )
        found.setdefault(tuple(_filled(list(column))), f"{SHARE} of {arm.variant}")
    return {name: list(column) for column, name in found.items()}


_COLUMNS = {"previous": ("previous value", "previous arm")}


def covariate_rows(
    names: Sequence[str], metric: Metric, arms: Sequence[tuple[Arm, Sample]]
) -> Iterator[CovariateRows]:
    """Yield for each arm, control first, a row for each unit of its sample.

    A row has at most `MOST_COLUMNS` numbers, of which those that say what is missing come last.
    """
    units = [unit for number, pair in enumerate(arms) for unit in _units(*pair, number > 0)]
    columns: dict[str, list[float]] = {}
    gaps: dict[str, list[float]] = {}
    for name in names:
        if name == SHARE:
            columns.update(_shares(units, arms))
            continue
        if name in _DERIVATIONS:
            found = map(_filled, _DERIVATIONS[name](units))
            columns.update(zip(_COLUMNS.get(name, (name,)), found, strict=True))
            continue
        column = _recorded(name, metric, units)
        columns[name] = _filled(column)
        if None in column:
            gaps[f"{name}{MISSING}"] = [float(value is None) for value in column]
    chosen = dict([*columns.items(), *gaps.items()][:MOST_COLUMNS])
    rows = iter(list(zip(*chosen.values(), strict=True)))
    for arm, sample in arms:
        wanted = frozenset(sample.units)
        own = [(record.unit, row) for record, row in zip(arm.units, rows, strict=False)]
        yield CovariateRows(tuple(chosen), tuple(row for unit, row in own if unit in wanted))


def _units(arm: Arm, sample: Sample, treated: bool) -> Iterator[UnitValue]:
    values = dict(zip(sample.units, sample.values, strict=True))
    for record in arm.units:
        yield UnitValue(record, values.get(record.unit), float(treated))


def _recorded(name: str, metric: Metric, units: Sequence[UnitValue]) -> Column:
    read = _READINGS.get(name, _as_recorded)
    found = (unit.record.covariates.get(name) for unit in units)
    return [
        None if value is None or not math.isfinite(value) else read(value, metric)
        for value in found
    ]


def _filled(column: Column) -> list[float]:
    """Return a column with the mean of what is known where nothing is."""
    known = [value for value in column if value is not None]
    centre = mean(known) if known else 0.0
    return [centre if value is None else value for value in column]
