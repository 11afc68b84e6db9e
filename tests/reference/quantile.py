"""Quantiles of one arm, and their difference between arms."""

from __future__ import annotations

import math
from collections.abc import Sequence

from meta_experiment.errors import DegenerateDataError
from meta_experiment.records import dataclass
from meta_experiment.stats.inputs import finite_floats, require_fraction
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.special import beta_cdf, normal_isf


@dataclass(frozen=True, slots=True)
class OrderInterval:
    """A quantile bounded by two values of the sample; None where the sample is too small."""

    low: float | None
    high: float | None


def quantile_interval(
    values: Sequence[float], q: float, *, level: float = 0.95
) -> OrderInterval:
    """Bound a quantile by order statistics; holds for any distribution (Conover 1999, 3.2).

    Raises:
        DegenerateDataError: without values, or on NaN.
        UsageError: when q or the level is no fraction.
    """
    require_fraction("q", q)
    require_fraction("level", level)
    ordered = sorted(finite_floats(values))
    n, tail = len(ordered), 0.5 * (1.0 - level)
    if n == 0:
        raise DegenerateDataError("there are no values, expected at least one")
    below = _binomial_quantile(tail, n, q) - 1
    above = n - _binomial_quantile(tail, n, 1.0 - q)
    return OrderInterval(
        low=ordered[below] if below >= 0 else None,
        high=ordered[above] if above < n else None,
    )


def _binomial_quantile(p: float, n: int, rate: float) -> int:
    """Return the smallest k with P(X ≤ k) ≥ p for n trials at a rate."""
    low, high = -1, n
    while high - low > 1:
        middle = (low + high) // 2
        if beta_cdf(1.0 - rate, n - middle, middle + 1.0) >= p:
            high = middle
        else:
            low = middle
    return high


def quantile_moments(
    quantile: float, low: float, high: float, n: int, *, n_star: int | None = None
) -> Moments:
    """Return moments whose mean is a quantile, ready for `welch`.

    The spread comes from the sample quantiles at q ± z √(q(1-q)/n_star) with z of 95%
    (Price and Bonett 2001, J. Stat. Comput. Simul. 68; Deng et al. 2018, KDD, for units of
    several events: n units, n_star events).
    """
    slope = (high - low) / (2.0 * normal_isf(0.025))
    inflation = (n if n_star is None else n_star) / n
    return Moments.from_summary(n, quantile, math.sqrt(inflation * (n - 1)) * slope)
