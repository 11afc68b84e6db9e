"""Prospect of a rule before data: the smallest improvement that so many units mostly find."""

from __future__ import annotations

import math
from collections.abc import Callable

from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.scale import sign
from meta_experiment.records import dataclass
from meta_experiment.types import Metric, Scale

_FAR = 10.0  # standard deviations: more than any prompt moves a metric


@dataclass(frozen=True, slots=True)
class Prospect:
    """A rule's way with so many units per arm, of which it looks from `looks_from` on.

    `centre` and `sd` are those of the metric on its scale, and `power` the share of runs in
    which it is to decide. `at` is the relative effect that is to be surpassed. `decides` says
    whether the rule would promote on samples of the control and a treatment; `standardised`
    returns the smallest difference of two means, in standard deviations, that it finds.
    `decides_on_pairs` is as `decides`, of the same cases in both arms; None without cases.
    """

    metric: Metric
    centre: float
    sd: float
    units: int
    looks_from: int
    power: float
    at: float
    decides: Callable[[Sample, Sample], bool]
    standardised: Callable[[], float]
    decides_on_pairs: Callable[[Sample, Sample], bool] | None = None


def of_means(prospect: Prospect) -> float | None:
    """Return the smallest relative improvement of a mean; None where no t would do.

    Raises:
        UsageError: so many units find nothing.
    """
    d, metric = prospect.standardised(), prospect.metric
    if d >= _FAR:
        return None
    if metric.scale is Scale.LOG:
        towards = sign(metric)
        return towards * ((1 + towards * prospect.at) * math.exp(towards * d * prospect.sd) - 1)
    if prospect.centre == 0:
        return None
    return prospect.at + d * prospect.sd / abs(prospect.centre)


def spread_of_means(centre: float, sd: float, metric: Metric) -> str:
    """Say how far the values of a metric lie from their mean."""
    if metric.scale is Scale.LOG:
        return f"a standard deviation of {sd:.2g} of the logarithm"
    if centre == 0:
        return f"a standard deviation of {sd:.3g}"
    return f"a standard deviation of {sd / abs(centre):.0%} of the mean"
