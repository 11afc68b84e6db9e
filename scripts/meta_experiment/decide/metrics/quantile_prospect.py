"""Prospect of a quantile: what the rule says of arms that lie exactly where they are expected.

The values are spread like a normal sample without chance, of which a quantile's estimate has
its known error. By that much chance lags behind in the runs that are not found, and by somewhat
more (simulated), as the least over all cuts does so in each.
"""

from __future__ import annotations

import math

from meta_experiment.decide.metrics.prospect import Prospect
from meta_experiment.decide.metrics.quantiles import QuantileSample
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.scale import at_boundary, sign
from meta_experiment.stats.special import normal_isf
from meta_experiment.types import Metric, Scale

_MOST_UNITS = 1_000  # beyond, what is found shrinks as one over the root of the units
_FARTHEST = 5.0  # of the logarithm of a ratio: more than any prompt moves a metric
_PRECISION = 1e-3
_LAG = 0.35  # errors


def of_quantiles(prospect: Prospect, q: float) -> float | None:
    """Return the smallest relative improvement of a quantile; None where none is found."""
    metric, units = prospect.metric, min(prospect.units, _MOST_UNITS)
    z, log = -normal_isf(q), metric.scale is Scale.LOG
    quantile = prospect.centre + z * prospect.sd
    if not log and quantile <= 0:
        return None
    control = _as_expected(prospect, units, q)

    def found(size: float) -> bool:
        treated = at_boundary(control, quantile, _relative(size, metric), metric)
        return treated is not None and prospect.decides(control, treated)

    if not found(_FARTHEST):
        return None
    low, high = 0.0, _FARTHEST
    while high - low > _PRECISION:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if found(middle) else (middle, high)
    error = prospect.sd * math.sqrt(2.0 * q * (1.0 - q) / units) / _density(z)
    if not log:
        error /= quantile
    begins = abs(math.log1p(sign(metric) * prospect.at))
    beyond = high - begins + (normal_isf(1.0 - prospect.power) + _LAG) * error
    return _relative(begins + beyond * math.sqrt(units / prospect.units), metric)


def _as_expected(prospect: Prospect, units: int, q: float) -> QuantileSample:
    """Return values in the middle of equal parts of a normal distribution."""
    values = tuple(
        prospect.centre + prospect.sd * normal_isf((units - place - 0.5) / units)
        for place in range(units)
    )
    return QuantileSample(Sample(values, values, {}, tuple(map(str, range(units)))), q)


def _density(z: float) -> float:
    return math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)


def _relative(size: float, metric: Metric) -> float:
    """Return an improvement, which is that of the logarithm, as a part of the control's."""
    return sign(metric) * math.expm1(sign(metric) * size)
