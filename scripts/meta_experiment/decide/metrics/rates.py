"""Rates of outcomes that are 0 or 1 on every trial: successes, errors."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from meta_experiment.decide.evidence import NOTHING, Evidence, beyond_reach, towards
from meta_experiment.decide.metrics import means
from meta_experiment.decide.metrics.family import (
    Design,
    Family,
    PairBelief,
    improvement_down_to_zero,
)
from meta_experiment.decide.metrics.prospect import Prospect
from meta_experiment.decide.metrics.sample import (
    NOT_FINITE,
    Sample,
    SummarySample,
    unit_values,
    why_not_number,
)
from meta_experiment.decide.reported import (
    ReportedTest,
    Test,
    TwoSampleTest,
    counts,
    evidence_by,
    minus_log,
    proportion_test,
    reported_test,
    t_test,
    whole_counts,
)
from meta_experiment.decide.scale import Bound, less_one, sign
from meta_experiment.decide.units import Arm
from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.pairs import pair_rule
from meta_experiment.stats.proportion import fisher_exact
from meta_experiment.stats.rate_ratio import (
    anytime_rate_ratio,
    anytime_ratio_evidence,
    rate_ratio,
    rate_ratio_tails,
)
from meta_experiment.stats.sequential import safe_exp
from meta_experiment.types import (
    AnalysisType,
    Comparison,
    Direction,
    EffectSize,
    LiftPrior,
    Metric,
    Plan,
    Scale,
)

_LEAST = math.ulp(1.0)  # a change that is above none
OfNone = Callable[[Sample, Sample, Metric], Evidence]
"""Evidence of two samples against no difference at all."""

PAIRS = "exact rule on pairs"
RATIO = "likelihood of two rates"
SCORE = "score of two rates"
NOT_BINARY = "not_binary"

_FEWEST_EXPECTED = 5.0  # Cochran's rule for the normal approximation of a 2 × 2 table
_WHY = {
    "fisher_exact": "Fisher's exact test, because one of the outcomes is rare",
    "proportion_z": "the z-test of two rates, because every unit has one outcome",
    "welch_t": "Welch's t-test, because some units are the mean of several outcomes",
}


def sample(arm: Arm, metric: Metric, stretch: float) -> Sample:
    """Return one rate per unit; an outcome is what it is, however long it would have taken."""
    del stretch
    return unit_values(arm, metric, why_not=_why_not_outcome)


def _why_not_outcome(value: float, metric: Metric) -> str | None:
    reason = why_not_number(value, metric)
    return NOT_BINARY if value not in (0, 1) and reason != NOT_FINITE else reason


def pair_evidence(control: Sample, treatment: Sample, metric: Metric) -> Evidence:
    """Return the log e-values of the exact rule on the first complete pairs of two arms.

    What one arm has more than the other is left out, in so far as it is known to be later. So
    arms of equal shares have to be: in others a pair is of two times.
    """
    pairs = min(len(control), len(treatment))
    found = pair_rule(control.total_of_first(pairs), treatment.total_of_first(pairs), pairs)
    return towards(sign(metric), found.log_e_greater, found.log_e_less, PAIRS)


def evidence(
    control: Sample,
    treatment: Sample,
    metric: Metric,
    at: float,
    *,
    of_none: OfNone = pair_evidence,
) -> Evidence:
    """Return log e-values that stay valid however often they are looked at.

    Against a null of no difference `of_none`: the exact rule of Turner, Ly and Grünwald on
    pairs in assignment order, unless something else is said. That stays valid for the mean of
    several trials of a unit, in [0, 1]: the likelihood ratio is convex in the outcome, so that
    its mean is at most that of a coin with the same rate. Against any other null, as a margin,
    or where only sums are known: the likelihoods of the two rates; what is beyond a margin is
    shown to be beyond none as well.
    """
    if at == 0 and control.has_order and treatment.has_order:
        return of_none(control, treatment, metric)
    found = ratio_evidence(control, treatment, metric, at)
    if not at:
        return found
    zero = evidence(control, treatment, metric, 0.0, of_none=of_none)
    return _beyond_none(found, zero, at)


def _beyond_none(found: Evidence, zero: Evidence, at: float) -> Evidence:
    """Return evidence against a margin, beyond it no more than there is beyond no change."""
    if at > 0:
        return replace(found, better=min(found.better, zero.better))
    return replace(found, worse=min(found.worse, zero.worse))


def expected(control: Moments, treatment: Moments, metric: Metric, at: float) -> Evidence:
    """Return the log e-values of so many units with exactly these rates."""
    if at:
        return ratio_evidence(SummarySample(control), SummarySample(treatment), metric, at)
    pairs = min(control.n, treatment.n)
    found = pair_rule(pairs * control.mean, pairs * treatment.mean, pairs)
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


def evidence_of_rates(
    test: Test,
    kind: AnalysisType,
    control: Sample,
    treatment: Sample,
    metric: Metric,
    at: float,
) -> Evidence:
    """Return −log of a test's one-sided p-values, against a margin those of the score.

    Not of a t there, for the reason that `ratio_evidence` has; what is beyond a margin is
    shown by the test to be beyond none as well.

    Raises:
        DegenerateDataError: an arm has no values yet, or none that the test could tell.
    """
    if at == 0:
        return evidence_by(test, kind, control, treatment, metric, at)
    ratio = 1.0 + sign(metric) * at
    if ratio <= 0:
        return beyond_reach(at)
    greater, less = rate_ratio_tails(*counts(control, treatment), ratio)
    found = towards(sign(metric), minus_log(greater), minus_log(less), SCORE)
    try:
        zero = evidence_by(test, kind, control, treatment, metric, 0.0)
    except DegenerateDataError:  # all units are alike, which speaks of margins alone
        zero = NOTHING
    return _beyond_none(found, zero, at)


def interval_once(
    control: Sample, treatment: Sample, metric: Metric, level: float
) -> tuple[Bound, Bound]:
    """Bound the change at one look by the test against a margin, on the side that decides.

    From a control without a success the change is bounded from below alone.
    """
    if metric.scale is Scale.LOG:
        return means.interval_once(control, treatment, metric, level)
    bounds = less_one(rate_ratio(*counts(control, treatment), level=level))
    try:
        decided = evidence_by(test, AnalysisType.AUTO, control, treatment, metric, 0.0)
    except DegenerateDataError:
        decided = NOTHING
    return as_decided(bounds, decided, metric, 0.5 * (1.0 - level))


def interval_always(
    control: Sample,
    treatment: Sample,
    metric: Metric,
    alpha: float,
    *,
    of_none: OfNone = pair_evidence,
) -> tuple[Bound, Bound]:
    """Bound the change at all looks at once by the likelihoods of the two rates.

    No change is inside exactly when the evidence against it, on either side, is below 1/α.
    From a control without a success the change is bounded from below alone.
    """
    if metric.scale is Scale.LOG:
        return means.interval_always(control, treatment, metric, alpha)
    bounds = less_one(anytime_rate_ratio(*counts(control, treatment), alpha=alpha))
    decided = evidence(control, treatment, metric, 0.0, of_none=of_none)
    return as_decided(bounds, decided, metric, alpha)


def as_decided(
    bounds: tuple[Bound, Bound], decided: Evidence, metric: Metric, alpha: float
) -> tuple[Bound, Bound]:
    """Move the ends of a change so that they pass no change when the evidence does.

    What decides rejects all of one side with no change, as its null is composite: an end that
    it passed lies beyond. Where it did not, no change is kept. On each side this misses a true
    change in at most α more of experiments than the likelihood interval, which misses it in at
    most α on both together.
    """
    low, high = bounds
    bar = -math.log(alpha)
    more, less = decided.better, decided.worse
    if sign(metric) < 0:
        more, less = less, more
    if more >= bar:
        low = _LEAST if low is None else max(low, _LEAST)
    elif low is not None:
        low = min(low, 0.0)
    if less >= bar:
        high = -_LEAST if high is None else min(high, -_LEAST)
    elif high is not None:
        high = max(high, 0.0)
    return low, high


def tells_all_apart(control: Sample, treatment: Sample) -> bool:
    """Say whether all units of one arm succeeded and all of the other failed.

    Counts are evidence then, although the values do not vary within the arms.
    """
    one, other = control.moments, treatment.moments
    return one.m2 == other.m2 == 0 and one.mean != other.mean


def effect_size(control: Sample, treatment: Sample, metric: Metric) -> EffectSize:
    """Standardise the difference, if anything varies to standardise it by."""
    if tells_all_apart(control, treatment):
        return EffectSize(None, None)
    return means.effect_size(control, treatment, metric)


def largest_improvement(centre: float, direction: Direction) -> float:
    """Return the largest relative improvement: a rate does not get above one either."""
    if direction is Direction.HIGHER and centre > 0:
        return 1 / centre - 1
    return improvement_down_to_zero(centre, direction)


def missing(control: Sample, share: float, metric: Metric) -> float:
    """Return the worse outcome."""
    del control, share
    return _worse_outcome(metric)


def missing_words(metric: Metric, paired: bool) -> str:
    """Name it."""
    del paired
    return f"the worse outcome ({_worse_outcome(metric):g})"


def _worse_outcome(metric: Metric) -> float:
    return 0.0 if metric.direction is Direction.HIGHER else 1.0


def chosen(control: Sample, treatment: Sample) -> TwoSampleTest:
    """Return the test that `auto` comes to for these samples."""
    if not (control.is_binary and treatment.is_binary):
        return t_test
    successes, n, more, m = counts(control, treatment)
    rate = (successes + more) / (n + m)
    rare = min(n, m) * min(rate, 1 - rate) < _FEWEST_EXPECTED
    return fisher_test if rare else proportion_test


def fisher_test(control: Sample, treatment: Sample) -> ReportedTest:
    """Run Fisher's exact test of two rates."""
    done = fisher_exact(*whole_counts(control, treatment))
    return ReportedTest("fisher_exact", None, None, done.p_value, done.p_greater, done.p_less)


def notes(
    plan: Plan, comparison: Comparison, control: Sample, treatment: Sample
) -> Iterator[str]:
    """Tell which test `auto` chose, and what the Welch form says beside the exact rule."""
    reason = _WHY.get(comparison.test)
    if plan.analysis_type is AnalysisType.AUTO and reason is not None:
        yield f"{plan.primary.name} is compared by {reason}."
    evidence = comparison.sequential
    if evidence is None or evidence.rule != PAIRS:
        return
    if 0 in (control.moments.m2, treatment.moments.m2):
        return
    try:
        beside = means.evidence(control, treatment, plan.primary, 0.0)
    except DegenerateDataError:
        return
    yield (
        "the exact rule on pairs decides; the anytime-valid Welch t beside it has "
        f"e-values of {safe_exp(beside.better):.3g} for better and "
        f"{safe_exp(beside.worse):.3g} for worse."
    )


def best_of_rates(arms: Sequence[Moments], lower: bool) -> list[float]:
    """Return each arm's chance to have the best rate.

    A unit of several outcomes counts as one: their sum is rounded.
    """
    from meta_experiment.stats.best_arm import best_rate

    return best_rate([(round(arm.mean * arm.n), arm.n) for arm in arms], lower=lower)


def _paired() -> Design:
    from meta_experiment.decide.metrics.paired_rates import PAIRED_RATES

    return PAIRED_RATES


def _smallest_improvement(prospect: Prospect) -> float | None:
    from meta_experiment.decide.metrics.rate_prospect import of_rates

    return of_rates(prospect)


def _spread_words(centre: float, sd: float, metric: Metric) -> str:
    del sd, metric
    return f"a rate of {centre:.0%}"


def _believe(
    control: Sample, treatment: Sample, metric: Metric, level: float, prior: LiftPrior | None
) -> PairBelief:
    from meta_experiment.decide.metrics.believing import of_rates

    return of_rates(control, treatment, metric, level, prior)


test = partial(reported_test, chosen)
RATES = Family(
    sample=sample,
    why_not=_why_not_outcome,
    separate=Design(
        evidence=evidence,
        evidence_once=partial(evidence_of_rates, test),
        test=test,
        interval_once=interval_once,
        interval_always=interval_always,
        believe=_believe,
    ),
    paired=_paired,
    effect_size=effect_size,
    missing=missing,
    missing_words=missing_words,
    draw_suffices=True,
    best_of=best_of_rates,
    expected=expected,
    assumed_moments=(0.5, 0.5),
    lowest_change=-1.0,
    largest_improvement=largest_improvement,
    smallest_improvement=_smallest_improvement,
    spread_words=_spread_words,
    notes=notes,
)
