"""Whether two arms have the same share of what came late, told by counts or by sums alone."""

from __future__ import annotations

import math

from meta_experiment.records import dataclass
from meta_experiment.stats.proportion import fisher_exact, pooled_z
from meta_experiment.stats.special import normal_sf

_RARE = 1_000  # of both arms, up to which the exact test is as quick


@dataclass(frozen=True, slots=True)
class LateCount:
    """How many of an arm came late, of all there are now."""

    late: int
    now: int


@dataclass(frozen=True, slots=True)
class LateSum:
    """Sum of a measure over an arm's units, and of its squares, at first and now."""

    first: float
    now: float
    first_squares: float
    now_squares: float

    @property
    def only_grew(self) -> bool:
        """Whether it can be a sum of values that are not negative and only grow."""
        return 0.0 <= self.first <= self.now and self.first_squares <= self.now_squares

    @property
    def share(self) -> float:
        """The share that came late."""
        return (self.now - self.first) / self.now

    @property
    def variance(self) -> float:
        """At most the variance of that share.

        A unit adds g − f·y to its deviation, where g of its y came late and f is the share. Its
        squares sum to Σg² − 2f·Σgy + f²·Σy², where g ≤ y, so that Σgy ≥ Σg², and
        Σg² ≤ Σy² − Σ(y − g)², which is how much the squares grew.
        """
        share = self.share
        grown = max(0.0, 1.0 - 2.0 * share) * (self.now_squares - self.first_squares)
        return (grown + share * share * self.now_squares) / (self.now * self.now)


def late_counts(control: LateCount, treatment: LateCount) -> float:
    """Return the two-sided p-value that as large a share of both came late."""
    late = control.late + treatment.late
    if not (late and control.now and treatment.now) or late == control.now + treatment.now:
        return 1.0
    of = control.late, control.now, treatment.late, treatment.now
    return (fisher_exact if late <= _RARE else pooled_z)(*of).p_value


def late_sums(control: LateSum, treatment: LateSum) -> float:
    """Return the same of sums, by the normal approximation with variances from above."""
    if not (control.now and treatment.now):
        return 1.0
    variance = control.variance + treatment.variance
    if variance <= 0.0:
        return 1.0
    return min(1.0, 2.0 * normal_sf(abs(treatment.share - control.share) / math.sqrt(variance)))
