"""The values of the units of an arm, in a size that does not grow with their number."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.quantile import quantile_of_ordered
from meta_experiment.types import Metric, Scale
from meta_experiment.types.results.report_metrics import ArmDistribution, ValueCount

EVERY_VALUE = 400  # units of an arm up to which each value is kept
FEW_VALUES = 8
BINS = 64
_QUANTILES = (0, 5, 25, 50, 75, 95, 100)  # per cent


def distributions(
    metric: Metric, samples: Mapping[str, Sample], exposed: Mapping[str, int]
) -> tuple[dict[str, ArmDistribution], tuple[float, ...]]:
    """Describe the values of every arm; return the edges that their bins have in common.

    Each value of few units, counts of few values, else bins that are equal on the metric's
    scale. What is made of several recorded values, as a ratio, has its figures alone.
    """
    shown = {
        name: sorted(sample.raw) if metric.is_recorded and sample.has_values else []
        for name, sample in samples.items()
    }
    edges: tuple[float, ...] = ()
    few: dict[str, Counter[float]] = {}
    if max(map(len, shown.values()), default=0) > EVERY_VALUE:
        known = [values for values in shown.values() if values]
        if _are_few(known):
            few = {name: Counter(values) for name, values in shown.items()}
        else:
            low, high = min(it[0] for it in known), max(it[-1] for it in known)
            edges = _edges(low, high, metric.scale)
    return {
        name: _arm(metric, sample, shown[name], few.get(name), edges, exposed[name])
        for name, sample in samples.items()
    }, edges


def _are_few(groups: Sequence[Sequence[float]]) -> bool:
    """Tell whether sorted values are few different ones, from one to the next."""
    distinct = set[float]()
    for values in groups:
        place = 0
        while place < len(values):
            distinct.add(values[place])
            if len(distinct) > FEW_VALUES:
                return False
            place = bisect_right(values, values[place], place)
    return True


def _arm(
    metric: Metric,
    sample: Sample,
    values: Sequence[float],
    few: Counter[float] | None,
    edges: Sequence[float],
    exposed: int,
) -> ArmDistribution:
    middle, sd = _mean_and_sd(sample, metric)
    every = few is None and not edges
    return ArmDistribution(
        n=len(sample),
        missing=max(0, exposed - len(sample)),
        mean=middle,
        sd=sd,
        centre=centre_of(sample, metric),
        quantiles={str(q): quantile_of_ordered(values, q / 100) for q in _QUANTILES}
        if values
        else {},
        values=tuple(values) if every else (),
        counts=tuple(ValueCount(value, n) for value, n in sorted((few or {}).items())),
        bins=_bins(values, edges) if edges else (),
    )


def _mean_and_sd(sample: Sample, metric: Metric) -> tuple[float | None, float | None]:
    """Describe an arm as an analysis does, by the moments that are known already if it can."""
    if metric.scale is Scale.RAW and sample.has_values and len(sample) > 1:
        try:
            return sample.moments.mean, sample.moments.sd
        except DegenerateDataError:
            pass
    summary = sample.summary(metric)
    return summary.mean, summary.sd


def centre_of(sample: Sample, metric: Metric) -> float | None:
    """Return what of an arm is compared, in the metric's unit; None where there is nothing."""
    try:
        return math.exp(sample.centre) if metric.scale is Scale.LOG else sample.centre
    except (DegenerateDataError, OverflowError):
        return None


def _edges(low: float, high: float, scale: Scale) -> tuple[float, ...]:
    if scale is Scale.LOG:
        ratio = high / low
        return (*(low * ratio ** (step / BINS) for step in range(BINS)), high)
    return (*(low + (high - low) * (step / BINS) for step in range(BINS)), high)


def _bins(values: Sequence[float], edges: Sequence[float]) -> tuple[int, ...]:
    """Count sorted values between the edges, the upper in each bin, the lower in the first."""
    below = [0, *(bisect_right(values, edge) for edge in edges[1:-1]), len(values)]
    return tuple(after - before for before, after in pairwise(below))
