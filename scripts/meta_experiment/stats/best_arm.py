"""The chance of each of several arms to be the best, by quadrature over all of them at once.

The chance of arm k is the integral of f_k ∏ F_j over the other arms j, f and F being density
and distribution function of what is believed of an arm. All arms are taken on one set of
Gauss-Legendre panels, no wider than the narrowest arm that still has mass there, and the F_j
are integrals of the same values (Trefethen 2013, Approximation Theory and Practice, 19), so
that a density is the only function evaluated. Draws would be right to three digits in the time
in which this is right to nine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, islice, pairwise
from operator import mul
from typing import Protocol

from meta_experiment.errors import UsageError
from meta_experiment.stats.inputs import require_counts
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.quadrature import gauss_legendre, gauss_legendre_remainders
from meta_experiment.stats.special import log_gamma_half_step, stirling_error
from meta_experiment.stats.ttest import require_spread

_NODES = 16
_WIDTH = 3.5  # of a panel, in standard deviations: an error below 1e-9
_FAINT = 23.0  # below its peak a density is left out from here on: a part in 10^10
_LARGEST = 600.0  # an exponent
_LOG_SQRT_2PI = 0.5 * math.log(2.0 * math.pi)


def best_rate(
    counts: Sequence[tuple[int, int]],
    *,
    lower: bool = False,
    prior: tuple[float, float] = (1.0, 1.0),
) -> list[float]:
    """Return each arm's chance to have the highest rate of success, or the lowest.

    `counts` are successes and trials of each arm; every rate has the same Beta prior. The
    chances sum to one within 1e-8.

    Raises:
        UsageError: without arms, when successes do not fit into trials, or a prior parameter
            is below 0.1.
    """
    if not min(prior) >= 0.1:
        raise UsageError(f"a Beta prior with {prior!r}, expected both numbers from 0.1 up")
    for successes, trials in counts:
        require_counts(successes, trials)
    a, b = prior
    shapes = [(k + a, n - k + b) for k, n in counts]
    return _chances([_Logit(*(shape[::-1] if lower else shape)) for shape in shapes])


def best_mean(arms: Sequence[Moments], *, lower: bool = False) -> list[float]:
    """Return each arm's chance to have the highest mean, or the lowest.

    A mean is believed to be t(n - 1) about the observed one, with its standard error as the
    scale: the posterior under a flat prior on the mean and on the log of the standard deviation
    (Gelman et al. 2013, Bayesian Data Analysis, 3.2). The chances sum to one within 1e-8.

    Raises:
        UsageError: without arms.
        DegenerateDataError: when an arm has fewer than two values, or all its values are one.
    """
    for arm in arms:
        require_spread(arm.variance)
    sign = -1.0 if lower else 1.0
    return _chances(
        [_Student(sign * arm.minus(arms[0]), arm.standard_error, arm.n - 1.0) for arm in arms]
    )


class _Believed(Protocol):
    """What is believed of an arm, on a line that all arms share; greater is better."""

    @property
    def low(self) -> float:
        """From where on the density counts."""

    @property
    def high(self) -> float:
        """Up to where it counts."""

    def width(self, at: float) -> float:
        """Return how wide a panel may be that begins there."""

    def densities(self, nodes: Sequence[float]) -> list[float]:
        """Return the density at each of these points."""


class _Logit:
    """The logit of a rate that is Beta(a, b), which has exponential tails.

    The density is written about its peak and around the smaller of the two shares, where
    nothing cancels: a·u - n·log(1 + x(e^u - 1)), u being the distance from the peak.
    """

    def __init__(self, a: float, b: float) -> None:
        self._a, self._b = a, b
        self._center = math.log(a / b)
        self._constant = 0.5 * math.log(a * b / (a + b)) - _LOG_SQRT_2PI
        self._constant += stirling_error(a + b) - stirling_error(a) - stirling_error(b)
        sd = math.sqrt(1.0 / a + 1.0 / b)
        self._width = min(_WIDTH * sd, math.pi)  # the density has poles at ±iπ
        self.low = self._center - self._reach(-sd)
        self.high = self._center + self._reach(sd)

    def _reach(self, stride: float) -> float:
        far = stride
        while self._log_shape([far])[0] > -_FAINT:
            far += stride
        return abs(far)

    def width(self, at: float) -> float:  # noqa: ARG002 - as wide everywhere
        return self._width

    def densities(self, nodes: Sequence[float]) -> list[float]:
        exp, constant, center = math.exp, self._constant, self._center
        return [exp(constant + x) for x in self._log_shape([w - center for w in nodes])]

    def _log_shape(self, offsets: Sequence[float]) -> list[float]:
        """Return the log of the density relative to its peak, at distances from it."""
        n, expm1, log1p = self._a + self._b, math.expm1, math.log1p
        if self._a <= self._b:
            slope, share, sign = self._a, self._a / n, 1.0
        else:
            slope, share, sign = self._b, self._b / n, -1.0
        signed = [min(sign * u, _LARGEST) for u in offsets]
        return [slope * u - n * log1p(share * expm1(u)) for u in signed]


class _Student:
    """A mean that is Student's t about a center, with any scale and degrees of freedom."""

    def __init__(self, center: float, scale: float, df: float) -> None:
        self._center, self._scale, self._df = center, scale, df
        self._constant = log_gamma_half_step(0.5 * df) - 0.5 * math.log(math.pi * df)
        self._constant -= math.log(scale)
        # the density has poles at ±i√df
        self._width = min(_WIDTH, math.sqrt(df) / 1.8) * scale
        drop = min(2.0 * _FAINT / df, _LARGEST)
        reach = math.sqrt(df * math.expm1(drop)) * scale
        self.low, self.high = center - reach, center + reach

    def width(self, at: float) -> float:
        z = (at - self._center) / self._scale
        return self._width * math.sqrt(1.0 + z * z / self._df)

    def densities(self, nodes: Sequence[float]) -> list[float]:
        exp, log1p, constant, center = math.exp, math.log1p, self._constant, self._center
        power, per = 0.5 * (self._df + 1.0), 1.0 / (self._scale * math.sqrt(self._df))
        scaled = [(x - center) * per for x in nodes]
        return [exp(constant - power * log1p(z * z)) for z in scaled]


def _chances(arms: Sequence[_Believed]) -> list[float]:
    """Return the chance of each arm to be above all others.

    Below the highest of the low ends some F is nothing, and all that is left of it is skipped.
    """
    if not arms:
        raise UsageError("no arm at all, expected one or more of which one is best")
    start, end = max(arm.low for arm in arms), max(arm.high for arm in arms)
    edges = [start]
    while edges[-1] < end:
        at = edges[-1]
        edges.append(at + min(arm.width(at) for arm in arms if at < arm.high))
    widths = [high - low for low, high in pairwise(edges)]
    rule = gauss_legendre(_NODES)
    nodes = [
        low + width * x for low, width in zip(edges, widths, strict=False) for x, _ in rule
    ]
    weights = [width * weight for width in widths for _, weight in rule]
    densities = [arm.densities(nodes) for arm in arms]
    below = [_distribution(density, widths) for density in densities]
    ones = [1.0] * len(nodes)
    before = accumulate(below, _products, initial=ones)
    after = list(accumulate(reversed(below), _products, initial=ones))
    return [
        math.fsum(map(mul, map(mul, weights, density), map(mul, lower, upper)))
        for density, lower, upper in zip(
            densities, before, islice(reversed(after), 1, None), strict=False
        )
    ]


def _products(one: Sequence[float], other: Sequence[float]) -> list[float]:
    return list(map(mul, one, other))


def _distribution(density: Sequence[float], widths: Sequence[float]) -> list[float]:
    """Return F at the nodes, as one less what lies above."""
    weights = [weight for _, weight in gauss_legendre(_NODES)]
    remainders = gauss_legendre_remainders(_NODES)
    above, panels = 0.0, list[list[float]]()
    for index in reversed(range(len(widths))):
        width = widths[index]
        values = density[index * _NODES : (index + 1) * _NODES]
        panels.append([1.0 - above - width * sum(map(mul, row, values)) for row in remainders])
        above += width * sum(map(mul, weights, values))
    return [value for panel in reversed(panels) for value in panel]
