"""Means compared with what the plan's covariates explain taken out."""

from __future__ import annotations

import math
from dataclasses import replace

from meta_experiment.decide.evidence import Evidence, beyond_reach, towards
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.reported import minus_log
from meta_experiment.decide.scale import Bound, bounds, effect, less_one, orientation, sign
from meta_experiment.stats.adjusted import AdjustedMeans, adjusted_means
from meta_experiment.stats.always_valid import difference_interval, ratio_interval, weigh
from meta_experiment.stats.relative import MeanRatio, ratio_interval_once
from meta_experiment.stats.sequential import anytime
from meta_experiment.stats.ttest import Contrast, t_test
from meta_experiment.types import Adjustment, Interval, Metric, Scale

ADJUSTED_T = "anytime-valid t, adjusted for covariates"


def adjusted(control: Sample, treatment: Sample) -> AdjustedMeans | None:
    """Return the means with the covariates taken out; None where they stand as they are.

    Raises:
        DegenerateDataError: the samples carry no evidence.
    """
    if not (len(control) and len(treatment)):
        return None
    one, other = control.products, treatment.products
    return None if one is None or other is None else adjusted_means(one, other)


def evidence(means: AdjustedMeans, metric: Metric, at: float) -> Evidence:
    """Return log e-values against a relative effect, valid however often they are looked at."""
    contrast = _against(means, metric, at)
    if contrast is None:
        return beyond_reach(at)
    found = weigh(contrast)
    return towards(sign(metric), found.log_greater, found.log_less, ADJUSTED_T)


def equivalence(means: AdjustedMeans, metric: Metric, at: float) -> Evidence:
    """Return log e-values against the bounds of a margin (see `means.equivalence`)."""
    contrast = _against(means, metric, at)
    if contrast is None:
        return beyond_reach(at)
    found = anytime(contrast)
    return towards(sign(metric), found.log_e_greater, found.log_e_less, ADJUSTED_T)


def evidence_once(means: AdjustedMeans, metric: Metric, at: float) -> Evidence:
    """Return −log of the one-sided p-values of the t-test against a relative effect."""
    contrast = _against(means, metric, at)
    if contrast is None:
        return beyond_reach(at)
    found = t_test(contrast)
    better, worse = minus_log(found.p_greater), minus_log(found.p_less)
    return towards(sign(metric), better, worse, "adjusted_t")


def _against(means: AdjustedMeans, metric: Metric, at: float) -> Contrast | None:
    """Return the difference from a relative effect; None where no treatment can reach it."""
    change = 1.0 + orientation(means.control, metric) * at
    if metric.scale is Scale.RAW:
        return means.contrast(change)
    if change <= 0:
        return None
    found = means.contrast()
    return replace(found, difference=found.difference - math.log(change))


def interval_always(means: AdjustedMeans, metric: Metric, alpha: float) -> tuple[Bound, Bound]:
    """Bound the change at all looks at once, by inverting the e-values that decide."""
    if metric.scale is Scale.LOG:
        return difference_interval(means.contrast(), alpha)
    return less_one(ratio_interval(_ratio(means), alpha)) if means.control else (None, None)


def _interval_once(means: AdjustedMeans, metric: Metric, level: float) -> tuple[Bound, Bound]:
    if metric.scale is Scale.LOG:
        test = t_test(means.contrast(), level=level)
        return test.low, test.high
    return (
        less_one(ratio_interval_once(_ratio(means), level)) if means.control else (None, None)
    )


def _ratio(means: AdjustedMeans) -> MeanRatio:
    return MeanRatio(
        means.control,
        means.treatment,
        means.variance_control,
        means.variance_treatment,
        means.n_effective,
        means.df,
    )


def adjustment(
    control: Sample, treatment: Sample, metric: Metric, level: float
) -> Adjustment | None:
    """Describe what the covariates make of a comparison; None where it stands as it is."""
    means, known = adjusted(control, treatment), control.covariates
    if means is None or known is None:
        return None
    low, high = _interval_once(means, metric, level)
    return Adjustment(
        effect=effect(means.control, means.treatment, metric),
        interval=Interval(level, *bounds(low, high, means.control, metric, -math.inf)),
        explained=means.explained,
        units_saved=round(sum(means.units) * means.explained / (1.0 - means.explained)),
        slopes={
            name: slope
            for place, (name, slope) in enumerate(zip(known.names, means.slopes, strict=True))
            if place not in means.dropped
        },
        dropped=tuple(known.names[place] for place in means.dropped),
    )
