"""The three numbers from which every comparison of means is computed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import chain, repeat
from typing import Self

from meta_experiment.errors import DegenerateDataError
from meta_experiment.records import dataclass
from meta_experiment.stats.inputs import finite_floats


@dataclass(frozen=True, slots=True)
class Moments:
    """Number, mean and sum of squared deviations of one arm's values.

    The exact mean is `mean + residual`: the second float holds what the first had to round
    away, so that the difference of two means near 1e12 keeps all its digits. `mean` alone
    is the nearest float. With no values the mean is NaN.
    """

    n: int
    mean: float
    m2: float
    residual: float = 0.0

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """Compute the moments of finite values, correct to the last digits at any offset.

        Two passes with exactly rounded sums; a plain sum of squares loses everything when
        the spread is small against the mean (Chan, Golub and LeVeque 1983, The American
        Statistician 37(3)).

        Raises:
            DegenerateDataError: on NaN, infinity, or numbers too large or too close to square.
        """
        numbers = finite_floats(values)
        n = len(numbers)
        if n == 0:
            return cls(0, math.nan, 0.0)
        if min(numbers) == max(numbers):
            return cls(n, numbers[0], 0.0)
        try:
            mean = math.fsum(numbers) / n
            residual = math.fsum(chain(numbers, repeat(-mean, n))) / n
            m2 = math.fsum([(x - mean) ** 2 for x in numbers]) - n * residual * residual
        except OverflowError:
            m2 = math.inf
        if not 0.0 < m2 < math.inf:
            raise DegenerateDataError(
                "the values are too large or too close together for their spread to be a "
                "number, expected magnitudes between 1e-150 and 1e150"
            )
        return cls(n, mean, m2, residual)

    @classmethod
    def from_summary(cls, n: int, mean: float, sd: float) -> Self:
        """Build moments from a published size, mean and standard deviation (ddof 1).

        Raises:
            DegenerateDataError: when a number is not finite, or sd or n is negative.
        """
        if not (math.isfinite(mean) and 0.0 <= sd < math.inf and n >= 0):
            raise DegenerateDataError(
                f"n {n!r}, mean {mean!r}, sd {sd!r}, expected finite numbers and sd ≥ 0"
            )
        return cls(n, float(mean), sd * sd * max(n - 1, 0))

    @property
    def variance(self) -> float:
        """The unbiased variance (ddof 1).

        Raises:
            DegenerateDataError: with fewer than two values.
        """
        if self.n < 2:
            raise DegenerateDataError(
                f"an arm has {self.n} value(s), expected at least 2 to know their spread",
                hint="record more trials",
            )
        return self.m2 / (self.n - 1)

    @property
    def sd(self) -> float:
        """The standard deviation (ddof 1)."""
        return math.sqrt(self.variance)

    @property
    def standard_error(self) -> float:
        """The standard error of the mean."""
        return math.sqrt(self.variance / self.n)

    def minus(self, other: Moments) -> float:
        """Return this mean minus the other's, without losing digits to a common offset."""
        return (self.mean - other.mean) + (self.residual - other.residual)

    def merge(self, other: Moments) -> Moments:
        """Return the moments of both sets of values together (Chan et al. 1983)."""
        if self.n == 0:
            return other
        if other.n == 0:
            return self
        n = self.n + other.n
        gap = other.minus(self)
        mean, residual = _two_sum(self.mean, gap * (other.n / n) + self.residual)
        m2 = self.m2 + other.m2 + gap * gap * (self.n * other.n / n)
        return Moments(n, mean, m2, residual)

    def scaled(self, factor: float) -> Moments:
        """Return the moments of all values multiplied by a factor."""
        return Moments(
            self.n, self.mean * factor, self.m2 * factor * factor, self.residual * factor
        )

    def shifted(self, delta: float) -> Moments:
        """Return the moments of all values with a constant added."""
        mean, rounded = _two_sum(self.mean, delta)
        mean, residual = _two_sum(mean, rounded + self.residual)
        return Moments(self.n, mean, self.m2, residual)


def _two_sum(a: float, b: float) -> tuple[float, float]:
    """Return the rounded sum and exactly what the rounding lost (Knuth, TAOCP 2, 4.2.2)."""
    total = a + b
    shadow = total - a
    return total, (a - (total - shadow)) + (b - shadow)
