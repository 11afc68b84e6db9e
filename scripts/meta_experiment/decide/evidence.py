"""How strongly data speak for better and for worse, as it may be asked at every look.

Natural logarithms of e-values that are compared with log(1/α).
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

from meta_experiment.decide.reported import counts, less_one
from meta_experiment.decide.scale import Bound, at_boundary, orientation, sign
from meta_experiment.decide.units import Sample
from meta_experiment.records import dataclass
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.pairs import pair_rule
from meta_experiment.stats.rate_ratio import anytime_rate_ratio, anytime_ratio_evidence
from meta_experiment.stats.sequential import anytime_relative_interval, anytime_t
from meta_experiment.types import Metric, MetricKind, Scale

PAIRS = "exact rule on pairs"
RATIO = "likelihood of two rates"
ANYTIME_T = "anytime-valid Welch t"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Natural logarithms of the evidence that a treatment is better, and that it is worse.

    `rule` is the name of what weighed it.
    """

    better: float
    worse: float
    rule: str


def sequential_evidence(
    control: Sample, treatment: Sample, metric: Metric, at: float = 0.0
) -> Evidence:
    """Return log e-values that stay valid however often they are looked at.

    Zeros and ones against a null of no difference: the exact rule of Turner, Ly and Grünwald
    on pairs in assignment order. It stays valid for the mean of several trials of a unit, in
    [0, 1]: the likelihood ratio is convex in the outcome, so that its mean is at most that of
    a coin with the same rate. Against any other null, as a margin: the likelihoods of the two
    rates. All else: the one-sided anytime-valid Welch t on the metric's scale, with the null
    moved to `at`.
    """
    if metric.kind is MetricKind.PROPORTION:
        weigh = pair_evidence if at == 0 else partial(ratio_evidence, at=at)
        return weigh(control, treatment, metric)
    return t_evidence(control.moments, treatment.moments, metric, at)


def pair_evidence(control: Sample, treatment: Sample, metric: Metric) -> Evidence:
    """Return the log e-values of the exact rule on the first complete pairs of two arms."""
    pairs = min(len(control), len(treatment))
    found = pair_rule(
        math.fsum(control.values[:pairs]), math.fsum(treatment.values[:pairs]), pairs
    )
    return towards(sign(metric), found.log_e_greater, found.log_e_less, PAIRS)


def ratio_evidence(control: Sample, treatment: Sample, metric: Metric, at: float) -> Evidence:
    """Return the log e-values of two rates against a relative effect, by their likelihood.

    A t takes an arm without a failure for one without variance: held against a margin of 10%
    from 98% it lets a treatment just at the margin pass in one of five experiments.
    """
    ratio = 1.0 + sign(metric) * at
    if ratio <= 0:
        return beyond_reach(at)
    above, below = anytime_ratio_evidence(*counts(control, treatment), ratio)
    return towards(sign(metric), above, below, RATIO)


def t_evidence(
    control: Moments, treatment: Moments, metric: Metric, at: float = 0.0
) -> Evidence:
    """Return the log e-values of the anytime-valid Welch t against a relative effect."""
    null = at_boundary(control, at, metric)
    if null is None:
        return beyond_reach(at)
    found = anytime_t(null, treatment)
    return towards(sign(metric), found.log_e_greater, found.log_e_less, ANYTIME_T)


def always_interval(
    control: Sample, treatment: Sample, metric: Metric, alpha: float
) -> tuple[Bound, Bound]:
    """Bound the change from control to treatment at all looks at once, on the metric's scale.

    On the log scale the difference of logarithms, on the raw scale treatment over control
    minus one; for rates by their likelihood, since a t takes an arm without a failure for one
    without variance.

    Raises:
        DegenerateDataError: the samples carry no evidence.
    """
    one, other = control.moments, treatment.moments
    if metric.scale is Scale.LOG:
        found = anytime_t(one, other, alpha=alpha)
        return found.low, found.high
    if one.mean == 0:
        return None, None
    if metric.kind is MetricKind.PROPORTION:
        return less_one(anytime_rate_ratio(*counts(control, treatment), alpha=alpha))
    return anytime_relative_interval(one, other, alpha=alpha)


def moved(control: Sample, at: float, metric: Metric) -> Sample | None:
    """Return the control's values as they would be at a relative effect (see `at_boundary`)."""
    if at == 0:
        return control
    change = 1.0 + orientation(control.moments.mean, metric) * at
    if metric.scale is Scale.RAW:
        values = tuple(value * change for value in control.values)
        return replace(control, values=values, raw=values)
    if change <= 0:
        return None
    values = tuple(value + math.log(change) for value in control.values)
    return replace(control, values=values, raw=tuple(math.exp(value) for value in values))


def towards(direction: int, greater: float, less: float, rule: str) -> Evidence:
    """Turn evidence for greater and for less into evidence for better and for worse."""
    better, worse = (greater, less) if direction > 0 else (less, greater)
    return Evidence(better, worse, rule)


def beyond_reach(at: float) -> Evidence:
    """Nothing positive is 100% less than it was; and everything is better than that."""
    surely = math.inf if at < 0 else -math.inf
    return Evidence(surely, -surely, "certain")
