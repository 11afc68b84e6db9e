"""Evidence on means of arms of which one is small: its spread is not taken at its own word.

A small arm of skewed values has mostly not met the rare dear value yet. Its mean is too low
then and its spread with it, so that a Welch t is surest where it errs: on costs at nine to one
arms that are alike pass for cheaper in one of seven experiments. In equal arms both err alike.
So of an arm that is three times smaller, or more, the variance is the geometric mean of both
arms', unless its own is larger. That of the large arm would never err, and prove half as much.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from meta_experiment.decide.metrics.adjustment import AdjustedComparison
from meta_experiment.decide.metrics.family import Design
from meta_experiment.decide.metrics.sample import Sample, SummarySample
from meta_experiment.stats.moments import Moments
from meta_experiment.types import AnalysisType, Metric, Scale

_SMALLER = 3.0
_BY_MEANS = (AnalysisType.AUTO, AnalysisType.T_TEST)  # the others are told by ranks

Result = TypeVar("Result")


def at_one_spread(design: Design) -> Design:
    """Return a design of means that holds the spread of a small arm up by the large one's."""
    adjusted = AdjustedComparison
    equivalence = design.equivalence or design.evidence
    return replace(
        design,
        evidence=partial(_weighed, design, adjusted.evidence, design.evidence),
        equivalence=partial(_weighed, design, adjusted.equivalence, equivalence),
        evidence_once=partial(_once, design.evidence_once),
        test=partial(_once, design.test),
        interval_once=partial(_of_widened, design.interval_once),
        interval_always=partial(
            _weighed, design, adjusted.interval_always, design.interval_always
        ),
        adjusted=design.adjusted and partial(_adjusted, design),
    )


def _weighed(
    design: Design,
    of_adjusted: Callable[[AdjustedComparison, float], Result],
    of_samples: Callable[..., Result],
    control: Sample,
    treatment: Sample,
    metric: Metric,
    at: float,
) -> Result:
    found = _adjusted(design, control, treatment, metric)
    if found is not None:
        return of_adjusted(found, at)
    return _of_widened(of_samples, control, treatment, metric, at)


def _of_widened(
    of_samples: Callable[..., Result],
    control: Sample,
    treatment: Sample,
    metric: Metric,
    at: float,
) -> Result:
    return of_samples(*_widened(control, treatment, metric), metric, at)


def _once(
    of_samples: Callable[..., Result],
    kind: AnalysisType,
    control: Sample,
    treatment: Sample,
    metric: Metric,
    *at: float,
) -> Result:
    if kind not in _BY_MEANS:
        return of_samples(kind, control, treatment, metric, *at)
    return of_samples(kind, *_widened(control, treatment, metric), metric, *at)


def _adjusted(
    design: Design, control: Sample, treatment: Sample, metric: Metric
) -> AdjustedComparison | None:
    """Return the adjusted comparison with the variance of a small arm's mean held up."""
    found = design.adjusted(control, treatment, metric) if design.adjusted else None
    if found is None:
        return None
    means = found.means
    small = _small(*means.units, metric)
    if small is None:
        return found
    variances = [means.variance_control, means.variance_treatment]
    large = 1 - small
    at_large = variances[large] * means.units[large] / means.units[small]
    variances[small] = max(variances[small], math.sqrt(variances[small] * at_large))
    one, other = variances
    return replace(found, means=replace(means, variance_control=one, variance_treatment=other))


def _widened(control: Sample, treatment: Sample, metric: Metric) -> tuple[Sample, Sample]:
    """Return the samples as sums, the spread of a small one held up by the large one's.

    Raises:
        DegenerateDataError: an arm has no values.
    """
    arms = [control, treatment]
    small = _small(len(control), len(treatment), metric)
    if small is None:
        return control, treatment
    own, large = arms[small].moments, arms[1 - small].moments
    if own.n < 2 or own.variance >= large.variance:
        return control, treatment
    variance = math.sqrt(own.variance * large.variance)
    wider = Moments(own.n, own.mean, variance * (own.n - 1), own.residual)
    arms[small] = SummarySample(wider)
    arms[1 - small] = SummarySample(large)
    return arms[0], arms[1]


def _small(control: int, treatment: int, metric: Metric) -> int | None:
    """Return which of two arms is small beside the other one, on a scale where that matters."""
    if metric.scale is Scale.LOG or max(control, treatment) < _SMALLER * min(
        control, treatment
    ):
        return None
    return 0 if control < treatment else 1
