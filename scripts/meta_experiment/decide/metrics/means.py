"""Metrics whose means are compared: times, tokens, cost, scores and counts."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from meta_experiment.decide.evidence import Evidence, beyond_reach, towards
from meta_experiment.decide.metrics.family import Design, Family, PairBelief
from meta_experiment.decide.metrics.sample import Sample, unit_values, why_not_number
from meta_experiment.decide.reported import TwoSampleTest, evidence_by, reported_test, t_test
from meta_experiment.decide.scale import Bound, at_boundary, less_one, sign
from meta_experiment.decide.units import Arm
from meta_experiment.stats.always_valid import difference_interval, ratio_interval, weigh
from meta_experiment.stats.effect import cohens_d, hedges_g
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.relative import MeanRatio, ratio_interval_once
from meta_experiment.stats.sequential import anytime_t
from meta_experiment.stats.ttest import welch, welch_contrast
from meta_experiment.types import (
    AnalysisType,
    Direction,
    EffectSize,
    LiftPrior,
    Metric,
    Scale,
    Unit,
)

if TYPE_CHECKING:
    from meta_experiment.decide.metrics.adjustment import AdjustedComparison

ANYTIME_T = "anytime-valid Welch t"
_MISSING_RATIO = 2.0
_WORST_PART = 0.5  # of the share that is missing
_RARE_RATIO = 3.0


def sample(arm: Arm, metric: Metric, stretch: float) -> Sample:
    """Return one value per unit; what was cut short is stretched where lower is better.

    There more was to come, and dropping such a trial would reward slow variants.
    """
    lower = metric.direction is Direction.LOWER
    return unit_values(arm, metric, why_not=why_not_number, stretch=stretch if lower else 1.0)


def evidence(control: Sample, treatment: Sample, metric: Metric, at: float) -> Evidence:
    """Return log e-values that stay valid however often they are looked at."""
    found = adjusted(control, treatment, metric)
    if found is not None:
        return found.evidence(at)
    return t_evidence(control.moments, treatment.moments, metric, at)


def t_evidence(
    control: Moments, treatment: Moments, metric: Metric, at: float = 0.0
) -> Evidence:
    """Return the log e-values of the anytime-valid Welch t against a relative effect."""
    null = at_boundary(control, control.mean, at, metric)
    if null is None:
        return beyond_reach(at)
    found = weigh(welch_contrast(null, treatment))
    return towards(sign(metric), found.log_greater, found.log_less, ANYTIME_T)


def equivalence(control: Sample, treatment: Sample, metric: Metric, at: float) -> Evidence:
    """Return log e-values against the bounds of a margin, under the half-normal prior alone.

    It expects nothing of where within the margin the effect lies; the mixed prior would ask
    for more units.
    """
    found = adjusted(control, treatment, metric)
    if found is not None:
        return found.equivalence(at)
    one = control.moments
    null = at_boundary(one, one.mean, at, metric)
    if null is None:
        return beyond_reach(at)
    weighed = anytime_t(null, treatment.moments)
    return towards(sign(metric), weighed.log_e_greater, weighed.log_e_less, ANYTIME_T)


def interval_once(
    control: Sample, treatment: Sample, metric: Metric, level: float
) -> tuple[Bound, Bound]:
    """Bound the change at one look, by inverting Welch's t: of logarithms, or of a ratio."""
    one, other = control.moments, treatment.moments
    if metric.scale is Scale.LOG:
        test = welch(one, other, level=level)
        return test.low, test.high
    if one.mean == 0:
        return None, None
    return less_one(ratio_interval_once(MeanRatio.separate(one, other), level))


def interval_always(
    control: Sample, treatment: Sample, metric: Metric, alpha: float
) -> tuple[Bound, Bound]:
    """Bound the change at all looks at once, by inverting the e-values that decide."""
    found = adjusted(control, treatment, metric)
    if found is not None:
        return found.interval_always(alpha)
    one, other = control.moments, treatment.moments
    if metric.scale is Scale.LOG:
        return difference_interval(welch_contrast(one, other), alpha)
    if one.mean == 0:
        return None, None
    return less_one(ratio_interval(MeanRatio.separate(one, other), alpha))


def adjusted(control: Sample, treatment: Sample, metric: Metric) -> AdjustedComparison | None:
    """Take out what the covariates explain, where there are any that do."""
    if control.covariates is None:
        return None
    from meta_experiment.decide.metrics.adjustment import adjusted_comparison

    return adjusted_comparison(control, treatment, metric)


def effect_size(control: Sample, treatment: Sample, metric: Metric) -> EffectSize:
    """Standardise the difference, positive for better."""
    better, arms = sign(metric), (control.moments, treatment.moments)
    return EffectSize(better * cohens_d(*arms), better * hedges_g(*arms))


def missing(control: Sample, share: float, metric: Metric) -> float:
    """Return twice what is typical of the control (half where higher is better), or worse.

    Where `share` of the values is missing these may be the worst there were: so the mean of the
    control's worst, of half as large a share, since some are missing by chance as well.
    """
    better = sign(metric)
    values = [_worse(control.centre, _MISSING_RATIO, metric)]
    if share and len(control):
        worst = math.ceil(_WORST_PART * share * len(control))
        values.append(control.mean_of_worst(worst, highest=better < 0))
    return max(values) if better < 0 else min(values)


def missing_words(metric: Metric, paired: bool) -> str:
    """Name that value."""
    typical = f"{'twice' if sign(metric) < 0 else 'half of'} what is typical of the control"
    return typical if paired else f"{typical} or, where that is worse, like its worst"


def rare(centre: float, metric: Metric, unit: Unit) -> float | None:
    """Return three times what is typical of the control, where less is better.

    A price can be rare and high without end; what is the better for being more ends at zero.
    Ratios show such a price late, and a variant that hangs now and then looks quicker in the
    few cases of an evaluation: they stand one more as well, units of live use do without.
    """
    live = metric.scale is Scale.LOG and unit is not Unit.CASE
    if live or metric.direction is Direction.HIGHER:
        return None
    return _worse(centre, _RARE_RATIO, metric)


def _worse(centre: float, ratio: float, metric: Metric) -> float:
    """Return a centre made worse by a ratio; below zero, by the same part of its size."""
    better = sign(metric)
    if metric.scale is Scale.LOG:
        return centre - better * math.log(ratio)
    return centre + abs(centre) * (ratio**-better - 1)


def _chosen(control: Sample, treatment: Sample) -> TwoSampleTest:
    del control, treatment
    return t_test


def _paired() -> Design:
    from meta_experiment.decide.metrics.paired import PAIRED_MEANS

    return PAIRED_MEANS


test = partial(reported_test, _chosen)


def evidence_once(
    kind: AnalysisType, control: Sample, treatment: Sample, metric: Metric, at: float
) -> Evidence:
    """Return −log of the one-sided p-values of the plan's test; ranks know no covariates."""
    ranked = kind not in (AnalysisType.AUTO, AnalysisType.T_TEST)
    found = None if ranked else adjusted(control, treatment, metric)
    if found is not None:
        return found.evidence_once(at)
    return evidence_by(test, kind, control, treatment, metric, at)


def _believe(
    control: Sample, treatment: Sample, metric: Metric, level: float, prior: LiftPrior | None
) -> PairBelief:
    from meta_experiment.decide.metrics.believing import of_means

    return of_means(control, treatment, metric, level, prior)


MEANS = Family(
    sample=sample,
    separate=Design(
        evidence=evidence,
        evidence_once=evidence_once,
        test=test,
        interval_once=interval_once,
        interval_always=interval_always,
        equivalence=equivalence,
        adjusted=adjusted,
        believe=_believe,
    ),
    paired=_paired,
    effect_size=effect_size,
    missing=missing,
    missing_words=missing_words,
    rare=rare,
    expected=t_evidence,
    assumed_moments=(1.0, 0.5),
)
# Counts of events that come in clusters: negative binomial, of mean 1 and dispersion 1/3, so
# that the variance is 1 + 3.
COUNTS = replace(MEANS, lowest_change=-1.0, assumed_moments=(1.0, 2.0))
