"""Quantiles of a metric, such as the duration that nine of ten tasks stay below.

An arm counts by its sample quantile and the spread of that, so that quantiles are compared as
means are, at one look. They decide nothing: where values lie in two heaps, the spread of a
quantile that falls between them is not told by the values around it, and identical arms were
promoted in a fifth of simulated runs. Below `fewest` units nothing is compared.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from meta_experiment.decide.metrics import means
from meta_experiment.decide.metrics.ratios import RATIOS
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.units import Arm
from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.quantile import quantile_moments_of, sample_quantile
from meta_experiment.types import ArmSummary, Metric, Scale
from meta_experiment.types.plan import PERCENTILE

_FEWEST = 20  # units per arm
_FEWEST_BEYOND = 2  # of them to be expected in the smaller part


def fewest(q: float) -> int:
    """Return how many units per arm tell a quantile: 20 for a p90, 200 for a p99.

    Of fewer, the spread would be read off beyond the largest value, where there is nothing.
    """
    return max(_FEWEST, round(_FEWEST_BEYOND / min(q, 1.0 - q)))


class QuantileSample(Sample):
    """Values of which one quantile is compared, `q` as a fraction."""

    def __init__(self, sample: Sample, q: float) -> None:
        """Take the values of a sample."""
        super().__init__(sample.values, sample.raw, sample.skipped, sample.units, sample.order)
        self.q = q

    @cached_property
    def moments(self) -> Moments:
        """Moments whose mean is the quantile and whose standard error is its own.

        Raises:
            DegenerateDataError: there are too few values to tell.
        """
        needed = fewest(self.q)
        if len(self) < needed:
            raise DegenerateDataError(
                f"an arm has {len(self)} values, expected at least {needed} to tell a quantile",
                hint="record more trials",
            )
        return quantile_moments_of(self.values, self.q)

    @cached_property
    def centre(self) -> float:
        """The quantile on the metric's scale.

        Raises:
            DegenerateDataError: there are no values.
        """
        return sample_quantile(self.values, self.q)

    def summary(self, metric: Metric) -> ArmSummary:
        """Describe the arm by its quantile, with the spread that its standard error implies."""
        try:
            seen = self.moments
        except DegenerateDataError:
            return ArmSummary(len(self), None, None, None, None)
        if metric.scale is Scale.LOG:
            return ArmSummary(len(self), math.exp(seen.mean), None, seen.mean, seen.sd)
        return ArmSummary(len(self), seen.mean, seen.sd, None, None)

    def picked(self, places: Sequence[int]) -> QuantileSample:
        """Return the sample of the units at these places, in their order."""
        return QuantileSample(super().picked(places), self.q)


def sample(arm: Arm, metric: Metric, stretch: float) -> QuantileSample:
    """Return one value per unit, of which the quantile is compared."""
    return QuantileSample(means.sample(arm, metric, stretch), _fraction(metric))


def _fraction(metric: Metric) -> float:
    return int(metric.name.rpartition(PERCENTILE)[2]) / 100


_DESIGN = replace(RATIOS.separate, decides=False)
QUANTILES = replace(
    RATIOS,
    sample=sample,
    separate=_DESIGN,
    paired=lambda: _DESIGN,
    statistic=lambda _: "quantile",
)
