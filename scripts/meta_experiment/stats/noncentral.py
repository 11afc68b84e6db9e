"""The noncentral t distribution: power, and intervals of effect sizes."""

from __future__ import annotations

import math
from itertools import count

from meta_experiment.errors import UsageError
from meta_experiment.stats.root_finding import root
from meta_experiment.stats.special import gamma_cdf, gamma_sf, normal_cdf

_NEGLIGIBLE = 42.0


def noncentral_t_sf(t: float, df: float, noncentrality: float) -> float:
    """Return P(T > t) of the noncentral t distribution, to an absolute error near 1e-13.

    T > t means Z + δ > t S with S² = χ²/df: the probability is averaged over whichever of
    S and Z makes the other's distribution function the smoother one, by the trapezoidal
    rule, which converges at once for such bells (Trefethen and Weideman 2014, SIAM Review
    56(3)).

    Raises:
        UsageError: when df is below a half.
    """
    if not 0.5 <= df < math.inf:
        raise UsageError(f"{df!r} degrees of freedom, expected a finite number from 0.5 up")
    if math.isinf(t):
        return 0.0 if t > 0.0 else 1.0
    if t == 0.0:
        return normal_cdf(noncentrality)
    if noncentrality * noncentrality > 400.0 + 32.0 * df:
        return _average_over_normal(t, df, noncentrality)
    return _average_over_spread(t, df, noncentrality)


def _average_over_spread(t: float, df: float, noncentrality: float) -> float:
    """Average Φ(δ - t S) over w = log S, whose density dies off exponentially at least."""
    # the steepest feature is either the density (width 1/√2df) or the step at t S = δ
    step = 0.35 / math.sqrt(2.0 * df + noncentrality**2 + 2.0)
    mass = total = 0.0
    for first, direction in ((0, step), (1, -step)):
        for index in count(first):
            w = direction * index
            drop = 0.5 * df * (math.expm1(2.0 * w) - 2.0 * w)
            if drop > _NEGLIGIBLE:
                break
            weight = math.exp(-drop)
            mass += weight
            total += weight * normal_cdf(noncentrality - t * math.exp(w))
    return total / mass


def _average_over_normal(t: float, df: float, noncentrality: float) -> float:
    """Average P(t S < δ + Z) over Z."""
    mass = total = 0.0
    tail = gamma_cdf if t > 0.0 else gamma_sf
    for index in range(-36, 37):
        z = 0.25 * index
        weight = math.exp(-0.5 * z * z)
        spread = (noncentrality + z) / t
        inside = tail(0.5 * df, 0.5 * df * spread * spread) if spread > 0.0 else float(t < 0.0)
        mass += weight
        total += weight * inside
    return total / mass


def noncentrality_bound(t: float, df: float, *, upper_tail: float) -> float:
    """Return the noncentrality δ for which P(T > t; δ) equals `upper_tail`.

    Raises:
        UsageError: when df is below a half.
    """

    def excess(noncentrality: float) -> float:
        return noncentral_t_sf(t, df, noncentrality) - upper_tail

    width = 1.0 + abs(t) / math.sqrt(df)
    low, high = t - 2.0 * width, t + 2.0 * width
    while excess(low) > 0.0:
        low -= width
        width *= 2.0
    while excess(high) < 0.0:
        high += width
        width *= 2.0
    return root(excess, low, high)
