"""How often arms that do not differ reach a chance to be better, looked at again and again.

A chance to be better is no error rate: without any difference it lies above 95 % at one look in
twenty, and at some look the more often the more looks there are.
"""

from __future__ import annotations

import math

from meta_experiment.stats.inputs import require_fraction
from meta_experiment.stats.quadrature import gauss_legendre
from meta_experiment.stats.special import normal_isf

_OVERSHOOT = 0.5826  # of a step: -ζ(1/2)/√(2π), by which a sum passes a bound on average
_NODES = 32
_REACH = 7.0  # standard deviations below which nothing is
_RATIO = 1.3  # of the numbers of pairs from step to step


def reached_by_equal_arms(chance: float, first: int, last: int) -> float:
    """Return how often equal arms reach this chance at some look from a first to a last pair.

    The sum of differences is followed like a Brownian motion whose last look stayed below
    c√n, c being the normal deviate of the chance: in steps, with the chance to cross between
    two of them known where the bound is nearly straight. A look after every pair is taken for
    looking all the time with the bound farther off by what a step overshoots (Siegmund 1985,
    Sequential Analysis, 4.3 and 10.2). Right to one part in a hundred.

    Raises:
        UsageError: when the chance is no fraction.
    """
    require_fraction("chance", chance)
    deviate = -normal_isf(chance)
    low = min(-_REACH, deviate - _REACH)
    bounds = _bounds(deviate, first, last)
    ends = [low * math.sqrt(n) for n, _ in bounds]
    # the first look sees the sum itself, later ones may have passed the bound in between
    points = _points(ends[0], deviate * math.sqrt(first))
    scale = math.sqrt(first)
    mass = [(x, w * _normal(x / scale) / scale) for x, w in points]
    for (n, bound), (m, after), end in zip(bounds, bounds[1:], ends[1:], strict=False):
        scale = math.sqrt(m - n)
        mass = [
            (
                y,
                width
                * sum(
                    weight
                    * _normal((y - x) / scale)
                    * -math.expm1(-2.0 * (bound - x) * (after - y) / (m - n))
                    for x, weight in mass
                )
                / scale,
            )
            for y, width in _points(end, after)
        ]
    # far out the sum is less exact than the rate is small: it is at least that of one look
    return max(1.0 - chance, 1.0 - math.fsum(weight for _, weight in mass))


def _bounds(deviate: float, first: int, last: int) -> list[tuple[float, float]]:
    """Return numbers of pairs from the first to the last look, and where the sum is stopped."""
    steps = math.ceil(math.log(max(last, first) / first) / math.log(_RATIO))
    numbers = [first * (last / first) ** (step / steps) for step in range(1, steps + 1)]
    return [(n, deviate * math.sqrt(n) + _OVERSHOOT) for n in (float(first), *numbers)]


def _points(low: float, high: float) -> list[tuple[float, float]]:
    width = high - low
    return [(low + width * x, width * weight) for x, weight in gauss_legendre(_NODES)]


def _normal(z: float) -> float:
    return math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
