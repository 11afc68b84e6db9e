"""What is believed of the arms, each on a line that all share, integrated at once.

All arms are taken on one set of Gauss-Legendre panels, no wider than the narrowest arm allows
that still has mass there. Their distribution functions are integrals of the same values
(Trefethen 2013, Approximation Theory and Practice, 19), so that a density is the only function
evaluated: every sum over the panels is right to nine digits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, islice, pairwise
from operator import mul
from typing import Protocol

from meta_experiment.errors import UsageError
from meta_experiment.records import dataclass
from meta_experiment.stats.quadrature import gauss_legendre, gauss_legendre_remainders
from meta_experiment.stats.special import log_gamma_half_step, stirling_error

_NODES = 16
_WIDTH = 3.5  # of a panel, in standard deviations: an error below 1e-9
_FAINT = 23.0  # below its peak a density is left out from here on: a part in 10^10
_LARGEST = 600.0  # an exponent
_SMALLEST = 1e-280
_FINEST = 1e-8  # scale, as a part of its center
_LOG_SQRT_2PI = 0.5 * math.log(2.0 * math.pi)


class Belief(Protocol):
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


class RateLogit:
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

    def width(self, at: float) -> float:  # noqa: ARG002
        """Return the same everywhere."""
        return self._width

    def densities(self, nodes: Sequence[float]) -> list[float]:
        """Return the density of the logit."""
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


class RateLog:
    """The logarithm of a rate that is Beta(a, b), with a constant added: of its multiple."""

    def __init__(self, a: float, b: float, shift: float = 0.0) -> None:
        self._logit, self._shift = RateLogit(a, b), shift
        self.low = shift - _softplus(-self._logit.low)
        self.high = shift - _softplus(-self._logit.high)

    def width(self, at: float) -> float:
        """Return what is as wide on the logit's line."""
        w = self._logits([at])[0]
        return self._shift - _softplus(-(w + self._logit.width(w))) - at

    def densities(self, nodes: Sequence[float]) -> list[float]:
        """Return the density of the logarithm, nothing where the rate were above one."""
        found = self._logit.densities(self._logits(nodes))
        return [
            density / -math.expm1(y - self._shift) if y < self._shift else 0.0
            for density, y in zip(found, nodes, strict=True)
        ]

    def _logits(self, nodes: Sequence[float]) -> list[float]:
        logs = [min(y - self._shift, -_SMALLEST) for y in nodes]
        return [y - math.log(-math.expm1(y)) for y in logs]


def _softplus(w: float) -> float:
    return max(w, 0.0) + math.log1p(math.exp(-abs(w)))


class StudentMean:
    """A mean that is Student's t about a center, with any scale and degrees of freedom.

    No scale is finer than what numbers about the center can tell apart.
    """

    def __init__(self, center: float, scale: float, df: float) -> None:
        scale = max(scale, _FINEST * abs(center))
        self._center, self._scale, self._df = center, scale, df
        self._constant = log_gamma_half_step(0.5 * df) - 0.5 * math.log(math.pi * df)
        self._constant -= math.log(scale)
        # the density has poles at ±i√df
        self._width = min(_WIDTH, math.sqrt(df) / 1.8) * scale
        drop = min(2.0 * _FAINT / df, _LARGEST)
        reach = math.sqrt(df * math.expm1(drop)) * scale
        self.low, self.high = center - reach, center + reach

    def width(self, at: float) -> float:
        """Return more the farther out, as tails are powers."""
        z = (at - self._center) / self._scale
        return self._width * math.sqrt(1.0 + z * z / self._df)

    def densities(self, nodes: Sequence[float]) -> list[float]:
        """Return the density of the mean."""
        exp, log1p, constant, center = math.exp, math.log1p, self._constant, self._center
        power, per = 0.5 * (self._df + 1.0), 1.0 / (self._scale * math.sqrt(self._df))
        scaled = [(x - center) * per for x in nodes]
        return [exp(constant - power * log1p(z * z)) for z in scaled]


@dataclass(frozen=True, slots=True)
class CommonLine:
    """The panels of all arms, with the density of each there."""

    widths: list[float]
    nodes: list[float]
    weights: list[float]
    densities: list[list[float]]

    @classmethod
    def of(cls, arms: Sequence[Belief], start: float) -> CommonLine:
        """Lay panels from a point up to where no arm has any mass.

        Raises:
            UsageError: without arms.
        """
        if not arms:
            raise UsageError("no arm at all, expected one or more to be compared")
        end, edges = max(arm.high for arm in arms), [start]
        while edges[-1] < end:
            at = edges[-1]
            edges.append(min(_next_edge(arm, at) for arm in arms if at < arm.high))
        widths = [high - low for low, high in pairwise(edges)]
        rule = gauss_legendre(_NODES)
        nodes = [
            low + width * x for low, width in zip(edges, widths, strict=False) for x, _ in rule
        ]
        weights = [width * weight for width in widths for _, weight in rule]
        return cls(widths, nodes, weights, [arm.densities(nodes) for arm in arms])

    def below(self, arm: int) -> list[float]:
        """Return the distribution function of an arm at the nodes."""
        return _distribution(self.densities[arm], self.widths)

    def integral(self, *factors: Sequence[float]) -> float:
        """Return the integral of a product that is known at the nodes."""
        values: Sequence[float] = self.weights
        for factor in factors:
            values = list(map(mul, values, factor))
        return math.fsum(values)


def chances_to_be_highest(arms: Sequence[Belief]) -> list[float]:
    """Return the chance of each arm to be above all others: the integral of f_k ∏ F_j.

    Below the highest of the low ends some F is nothing, and all that is left of it is skipped.

    Raises:
        UsageError: without arms.
    """
    line = CommonLine.of(arms, max((arm.low for arm in arms), default=0.0))
    ones = [1.0] * len(line.nodes)
    below = [line.below(arm) for arm in range(len(arms))]
    before = accumulate(below, _products, initial=ones)
    after = list(accumulate(reversed(below), _products, initial=ones))
    return [
        line.integral(density, lower, upper)
        for density, lower, upper in zip(
            line.densities, before, islice(reversed(after), 1, None), strict=False
        )
    ]


def chance_to_exceed(low: Belief, high: Belief) -> float:
    """Return the chance of the second to be above the first, at half the price of both."""
    line = CommonLine.of((low, high), max(low.low, high.low))
    return line.integral(line.densities[1], line.below(0))


def expected_shortfall(low: Belief, high: Belief) -> float:
    """Return E max(high - low, 0) on the line: the integral of F of one, less that of both."""
    line = CommonLine.of((low, high), min(low.low, high.low))
    above = [1.0 - value for value in line.below(1)]
    return line.integral(line.below(0), above)


def _next_edge(arm: Belief, at: float) -> float:
    """Return where a panel may end for one arm: where it begins, from there as it allows."""
    return arm.low if at < arm.low else at + arm.width(at)


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
