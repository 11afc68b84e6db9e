"""Quantiles of a metric, such as the duration that nine of ten tasks stay below.

They are told apart by counts alone (see `stats.two_quantiles`), so that nothing is asked of how
the values are distributed. That takes about three times the units that means take, and below
`fewest_units` not even wholly different arms are told apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from meta_experiment.decide.evidence import Evidence, beyond_reach, towards
from meta_experiment.decide.metrics import means
from meta_experiment.decide.metrics.family import Design
from meta_experiment.decide.metrics.prospect import Prospect
from meta_experiment.decide.metrics.rates import as_decided
from meta_experiment.decide.metrics.ratios import RATIOS
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.reported import ReportedTest
from meta_experiment.decide.scale import Bound, at_boundary, less_one, sign
from meta_experiment.decide.units import Arm
from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.quantile import sample_quantile
from meta_experiment.stats.two_quantiles import (
    ALWAYS,
    ALWAYS_DEPENDENT,
    ONCE,
    ONCE_DEPENDENT,
    Pair,
    Weighing,
    bounds_of_greater,
    bounds_of_less,
    fewest_units,
    log_evidence,
)
from meta_experiment.types import AnalysisType, ArmSummary, Metric, Scale
from meta_experiment.types.plan import PERCENTILE

if TYPE_CHECKING:
    from meta_experiment.decide.collected import SumsOfDays

COUNTS = "exact rule on counts at every cut"
TEST = "quantile_exact"


class QuantileSample(Sample):
    """Values of which one quantile is compared, `q` as a fraction."""

    def __init__(self, sample: Sample, q: float) -> None:
        """Take the values of a sample."""
        super().__init__(sample.values, sample.raw, sample.skipped, sample.units, sample.order)
        self.q = q

    @property
    def moments(self) -> Moments:
        """There are none of a quantile; those of the values would speak of their mean."""
        raise DegenerateDataError("a quantile is told by counts, not by a mean and a spread")

    @cached_property
    def centre(self) -> float:
        """The quantile on the metric's scale.

        Raises:
            DegenerateDataError: there are no values.
        """
        return sample_quantile(self.values, self.q)

    def summary(self, metric: Metric) -> ArmSummary:
        """Describe the arm by its quantile."""
        if not len(self):
            return ArmSummary(0, None, None, None, None)
        if metric.scale is Scale.LOG:
            return ArmSummary(len(self), math.exp(self.centre), None, self.centre, None)
        return ArmSummary(len(self), self.centre, None, None, None)

    def scaled(self, factor: float) -> QuantileSample:
        """Return the sample with all values multiplied, on the raw scale.

        Raises:
            DegenerateDataError: the factor is negative, which would turn the order round.
        """
        if factor < 0:
            raise DegenerateDataError("a quantile cannot be held against its own opposite")
        return QuantileSample(super().scaled(factor), self.q)

    def shifted(self, delta: float) -> QuantileSample:
        """Return the sample with a constant added to all values, on the log scale."""
        return QuantileSample(super().shifted(delta), self.q)

    def joined(self, value: float, units: int, metric: Metric) -> QuantileSample:
        """Return the sample with more units that have a value on the metric's scale."""
        return QuantileSample(super().joined(value, units, metric), self.q)

    def picked(self, places: Sequence[int]) -> QuantileSample:
        """Return the sample of the units at these places, in their order."""
        return QuantileSample(super().picked(places), self.q)


def sample(arm: Arm, metric: Metric, stretch: float) -> QuantileSample:
    """Return one value per unit, of which the quantile is compared."""
    return QuantileSample(means.sample(arm, metric, stretch), fraction(metric))


def fraction(metric: Metric) -> float:
    """Return which quantile a metric is, as a fraction."""
    return int(metric.name.rpartition(PERCENTILE)[2]) / 100


def centre(values: Sequence[float], metric: Metric) -> float:
    """Return the quantile of values on the metric's scale."""
    return sample_quantile(values, fraction(metric))


def _require(control: Sample, treatment: Sample, metric: Metric, weighing: Weighing) -> None:
    """Refuse arms of which none, however far apart, would be told apart."""
    have, needed = min(len(control), len(treatment)), fewest_units(fraction(metric), weighing)
    if have < needed:
        raise DegenerateDataError(
            f"an arm has {have} values of {metric.name}, expected at least {needed}: of fewer "
            "not even arms wholly apart are told apart",
            hint="record more trials",
        )


def evidence(
    weighing: Weighing, control: Sample, treatment: Sample, metric: Metric, at: float
) -> Evidence:
    """Return the log evidence of counts against a relative effect.

    Raises:
        DegenerateDataError: too few units, or an effect beyond the opposite of the control.
    """
    _require(control, treatment, metric, weighing)
    null = at_boundary(control, control.centre, at, metric)
    if null is None:
        return beyond_reach(at)
    greater, less = log_evidence(*_ordered(null, treatment), fraction(metric), weighing)
    return towards(sign(metric), greater, less, COUNTS)


def test(
    weighing: Weighing,
    kind: AnalysisType,
    control: Sample,
    treatment: Sample,
    metric: Metric,
) -> ReportedTest:
    """Give the exact p-values of the counts, whatever test the plan asks for.

    Raises:
        DegenerateDataError: too few units.
    """
    del kind
    _require(control, treatment, metric, weighing)
    logs = log_evidence(*_ordered(control, treatment), fraction(metric), weighing)
    greater, less = (math.exp(-log) for log in logs)
    return ReportedTest(TEST, None, None, min(1.0, 2 * min(greater, less)), greater, less)


def _ordered(control: Sample, treatment: Sample) -> tuple[list[float], list[float]]:
    return sorted(control.values), sorted(treatment.values)


def interval(
    weighing: Weighing, control: Sample, treatment: Sample, metric: Metric, alpha: float
) -> tuple[Bound, Bound]:
    """Bound the change by the evidence itself: outside are the nulls that it rules out.

    On the raw scale, where a change is a ratio, that is told of values that are not negative.

    Raises:
        DegenerateDataError: too few units.
    """
    _require(control, treatment, metric, weighing)
    arms, q, bar = _ordered(control, treatment), fraction(metric), -math.log(alpha)
    greater = bounds_of_greater(*arms, q, weighing, bar)
    less = bounds_of_less(*arms, q, weighing, bar)
    if metric.scale is Scale.LOG:
        low = None if greater is None else min(other - one for one, other in greater)
        high = None if less is None else max(other - one for one, other in less)
        return low, high
    ratios: tuple[Bound, Bound] = None, None
    if min(arms[0][0], arms[1][0]) >= 0 and control.centre:
        ratios = _ratio_of_greater(greater or ()), _ratio_of_less(less or ())
    decided = evidence(weighing, control, treatment, metric, 0.0)
    return as_decided(less_one(ratios), decided, metric, alpha)


def _ratio_of_greater(pairs: Sequence[Pair]) -> Bound:
    """Return the ratio below which all treated values are greater than as much of the control.

    Nothing is greater than nothing: where both are zero no ratio is ruled out.
    """
    if not all(other for _, other in pairs):
        return None
    return min((other / one for one, other in pairs if one), default=None)


def _ratio_of_less(pairs: Sequence[Pair]) -> Bound:
    if not all(one for one, _ in pairs):
        return None
    return max((other / one for one, other in pairs), default=None)


def _design(always: Weighing, once: Weighing, note: str | None = None) -> Design:
    def evidence_once(
        kind: AnalysisType, control: Sample, treatment: Sample, metric: Metric, at: float
    ) -> Evidence:
        del kind
        return evidence(once, control, treatment, metric, at)

    def interval_once(
        control: Sample, treatment: Sample, metric: Metric, level: float
    ) -> tuple[Bound, Bound]:
        return interval(once, control, treatment, metric, 0.5 * (1.0 - level))

    return Design(
        evidence=partial(evidence, always),
        evidence_once=evidence_once,
        test=partial(test, once),
        interval_once=interval_once,
        interval_always=partial(interval, always),
        evidence_note=note,
        fewest_units=lambda metric: fewest_units(fraction(metric), always),
    )


def _of_days(sums: SumsOfDays, metric: Metric) -> Sample:
    from meta_experiment.decide.metrics.day_sample import quantile_of_days

    return quantile_of_days(sums, metric)


def _smallest_improvement(prospect: Prospect) -> float | None:
    from meta_experiment.decide.metrics.quantile_prospect import of_quantiles

    return of_quantiles(prospect, fraction(prospect.metric))


_CASES = _design(
    ALWAYS_DEPENDENT,
    ONCE_DEPENDENT,
    "by the counts of both arms, taken as dependent, as a quantile has no difference per case",
)
QUANTILES = replace(
    RATIOS,
    sample=sample,
    sample_of_sums=_of_days,
    separate=_design(ALWAYS, ONCE),
    paired=lambda: _CASES,
    centre=centre,
    compares_means=False,
    expected=None,
    rare=lambda *_: None,
    statistic=lambda _: "quantile",
    smallest_improvement=_smallest_improvement,
)
