"""What is believed of two samples of one family, before anybody asks which way is better.

A prior is one of the relative effect, never of an arm. With one the difference is believed by
the conjugate of a normal with unknown variance, of rates by the delta method.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from meta_experiment.decide.metrics import means, paired
from meta_experiment.decide.metrics.family import PairBelief
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.reported import whole_counts
from meta_experiment.decide.scale import Bound, less_one, orientation
from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.bayes import (
    beta_binomial,
    mean_difference_interval,
    mean_ratio_interval,
    normal_inverse_gamma,
    of_contrast,
    rate_ratio_interval,
    two_means,
)
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.ttest import Contrast, paired_contrast, t_test, welch_contrast
from meta_experiment.types import LiftPrior, Metric, Scale

RATES = "Beta posteriors of both rates"
MEANS = "t posteriors of both means"
DIFFERENCE = "t posterior of the difference"
CONJUGATE = "normal-inverse-gamma posterior of the difference, with the plan's prior"


def of_rates(
    control: Sample, treatment: Sample, metric: Metric, level: float, prior: LiftPrior | None
) -> PairBelief:
    """Return what is believed of two rates: Beta(1 + k, 1 + n - k) each.

    Units with several outcomes, and logarithms, are compared as means are.
    """
    if prior is not None or not _are_counts((control, treatment), metric):
        return of_means(control, treatment, metric, level, prior)
    k, n, more, m = whole_counts(control, treatment)
    ends = rate_ratio_interval((k, n), (more, m), level) if k else (None, None)
    return PairBelief(RATES, beta_binomial(k, n, more, m), less_one(ends))


def of_means(
    control: Sample, treatment: Sample, metric: Metric, level: float, prior: LiftPrior | None
) -> PairBelief:
    """Return what is believed of two means on the metric's scale: t(n - 1) each.

    With covariates, or a prior, the difference is believed as one.
    """
    found = means.adjusted(control, treatment, metric)
    one, other = control.moments, treatment.moments
    if found is not None:
        contrast = found.means.contrast()
        ends = found.interval_once(level)
        return _of_difference(contrast, found.means.control, ends, metric, level, prior)
    if prior is not None:
        contrast = welch_contrast(one, other)
        return _of_difference(contrast, one.mean, (None, None), metric, level, prior)
    return PairBelief(MEANS, two_means(one, other), _change(one, other, metric, level))


def of_pairs(
    control: Sample, treatment: Sample, metric: Metric, level: float, prior: LiftPrior | None
) -> PairBelief:
    """Return what is believed of the mean difference of eval cases."""
    found = paired.differences(control, treatment, metric)
    if paired.are_alike(found):
        raise DegenerateDataError("all cases differ by the same, expected some spread")
    contrast = paired_contrast(Moments.of(found))
    ends = paired.interval_once(control, treatment, metric, level)
    return _of_difference(contrast, control.moments.mean, ends, metric, level, prior)


def _are_counts(arms: Sequence[Sample], metric: Metric) -> bool:
    return metric.scale is Scale.RAW and all(arm.is_binary for arm in arms)


def _change(
    control: Moments, treatment: Moments, metric: Metric, level: float
) -> tuple[Bound, Bound]:
    if metric.scale is Scale.LOG:
        return mean_difference_interval(control, treatment, level)
    if control.mean == 0.0:
        return None, None
    return less_one(mean_ratio_interval(control, treatment, level))


def _of_difference(
    contrast: Contrast,
    centre: float,
    ends: tuple[Bound, Bound],
    metric: Metric,
    level: float,
    prior: LiftPrior | None,
) -> PairBelief:
    """Believe a difference to be t; `ends` are those of the change without a prior."""
    if prior is None:
        return PairBelief(DIFFERENCE, of_contrast(contrast), ends)
    change, sd = orientation(centre, metric) * prior.mean, prior.sd
    if metric.scale is Scale.LOG:
        updated = normal_inverse_gamma(contrast, math.log1p(change), sd / (1.0 + change))
        test = t_test(updated, level=level)
        return PairBelief(CONJUGATE, of_contrast(updated), (test.low, test.high))
    if centre == 0.0:
        raise DegenerateDataError(
            "the control's mean is zero, expected a base that a prior of the lift refers to"
        )
    updated = normal_inverse_gamma(contrast, change * centre, sd * abs(centre))
    test = t_test(updated, level=level)
    low, high = sorted((test.low / centre, test.high / centre))
    return PairBelief(CONJUGATE, of_contrast(updated), (low, high))
