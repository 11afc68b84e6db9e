"""Ratio of two success rates of the same cases, at one look.

Outcomes of a case in both arms may go together, or against each other. What tells then is the
difference per case, treatment less the ratio's part of the control, and how far it varies where
the ratio is true: not as the sample has it, in which rates near 0 or 1 may not vary at all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from meta_experiment.records import dataclass
from meta_experiment.stats.inputs import require_fraction
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.root_finding import edge
from meta_experiment.stats.special import normal_sf, t_sf

_FARTHEST = 20.0  # log of a ratio beyond which it is as good as infinite
_CONTINUITY = 0.5  # cases


@dataclass(frozen=True, slots=True)
class WholeCases:
    """Cases with one outcome in each arm, counted by where they succeeded."""

    both: int
    treatment_alone: int
    control_alone: int
    neither: int

    @property
    def rates(self) -> tuple[float, float]:
        """The rates of the control and of the treatment."""
        n = self.both + self.treatment_alone + self.control_alone + self.neither
        return (self.both + self.control_alone) / n, (self.both + self.treatment_alone) / n

    def tails(self, ratio: float) -> tuple[float, float]:
        """Return one-sided p-values, small for treatment over control above and below a ratio.

        The score test at the rates that are likeliest where the ratio is true (Tang, Tang and
        Chan 2003, Statistics in Medicine 22), less half a case: of 10 to 80 cases it errs in at
        most 5% at a level of 5%, whatever the rates and how they go together (enumerated).
        """
        some = self.both + self.treatment_alone + self.control_alone
        n = some + self.neither
        square = n * (1.0 + ratio)
        linear = (
            (self.both + self.control_alone) * ratio**2
            - (self.both + self.treatment_alone)
            - 2 * self.control_alone
        )
        constant = self.control_alone * (1.0 - ratio) * some / n
        root = math.sqrt(max(0.0, linear**2 - 4.0 * square * constant))
        variance = 0.5 * (root - linear) + some * (ratio - 1.0)
        if variance <= 0.0:
            return 1.0, 1.0
        control, treatment = self.rates
        excess, sd = n * (treatment - ratio * control), math.sqrt(variance)
        return (
            normal_sf((excess - _CONTINUITY) / sd),
            normal_sf((-excess - _CONTINUITY) / sd),
        )


@dataclass(frozen=True, slots=True)
class PartCases:
    """Cases of several outcomes, known by the moments of their rates and the sum shared.

    `shared` is the sum over cases of the products of both deviations from their means.
    """

    control: Moments
    treatment: Moments
    shared: float

    @property
    def rates(self) -> tuple[float, float]:
        """The rates of the control and of the treatment."""
        return self.control.mean, self.treatment.mean

    def tails(self, ratio: float) -> tuple[float, float]:
        """Return one-sided p-values, small for treatment over control above and below a ratio.

        The t of the differences with one case more, that went wholly the other way: cases that
        all succeed would vary by nothing. It errs in at most 5% at a level of 5% (simulated,
        20 to 320 cases), also where the outcomes of a case are all the same.
        """
        differences = Moments(
            self.control.n,
            self.treatment.mean - ratio * self.control.mean,
            max(
                0.0,
                self.treatment.m2 - 2.0 * ratio * self.shared + ratio**2 * self.control.m2,
            ),
        )
        above = differences.merge(Moments(1, -ratio, 0.0))
        below = differences.merge(Moments(1, 1.0, 0.0)).scaled(-1.0)
        return _chance_above(above), _chance_above(below)


def _chance_above(seen: Moments) -> float:
    if seen.m2 == 0.0:
        return 1.0
    return t_sf(seen.mean / seen.standard_error, seen.n - 1.0)


Cases = WholeCases | PartCases


def cases_of(control: Sequence[float], treatment: Sequence[float]) -> Cases:
    """Return what matched cases show, of which there are some, each with a rate from 0 to 1."""
    pairs = list(zip(control, treatment, strict=True))
    if all(value in (0, 1) for pair in pairs for value in pair):
        return WholeCases(*map(pairs.count, ((1, 1), (0, 1), (1, 0), (0, 0))))
    one, other = Moments.of(control), Moments.of(treatment)
    shared = math.fsum((a - one.mean) * (b - other.mean) for a, b in pairs)
    return PartCases(one, other, shared)


def paired_rate_ratio(cases: Cases, *, level: float = 0.95) -> tuple[float, float | None]:
    """Bound treatment rate over control rate at one look, by the tails; None is unbounded.

    Raises:
        UsageError: the level is no fraction.
    """
    require_fraction("level", level)
    alpha, (control, treatment) = 0.5 * (1.0 - level), cases.rates
    estimate = -_FARTHEST if treatment == 0 else _FARTHEST
    if control and treatment:
        estimate = math.log(treatment / control)

    def kept(side: int, log_ratio: float) -> bool:
        return cases.tails(math.exp(log_ratio))[side] > alpha

    low = edge(lambda ratio: kept(0, ratio), estimate, -_FARTHEST)
    high = edge(lambda ratio: kept(1, ratio), estimate, _FARTHEST)
    return (
        0.0 if low <= -_FARTHEST else math.exp(low),
        None if high >= _FARTHEST else math.exp(high),
    )
