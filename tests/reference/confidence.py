"""Other rules that hold at every look: known variance, bounded values, large samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import count

from meta_experiment.errors import UsageError
from meta_experiment.records import dataclass
from meta_experiment.stats.inputs import finite_floats, require_fraction, require_positive
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.root_finding import root
from meta_experiment.stats.special import normal_log_sf
from meta_experiment.stats.ttest import welch_contrast


@dataclass(frozen=True, slots=True)
class NormalMixture:
    """The normal mixture of Howard, Ramdas, McAuliffe and Sekhon (2021), Ann. Statist. 49(2).

    A sum s of 1-sub-Gaussian terms with intrinsic time v crosses `boundary(v, α)` at any time
    with probability at most α. One-sided uses the half-normal mixture.
    """

    rho: float
    one_sided: bool = False

    @classmethod
    def tightest_at(
        cls, v: float, *, alpha: float = 0.05, one_sided: bool = False
    ) -> NormalMixture:
        """Return the mixture whose boundary is about narrowest at intrinsic time v."""
        require_positive("v", v)
        require_fraction("alpha", alpha)
        log_odds = -2.0 * math.log(2.0 * alpha if one_sided else alpha)
        if log_odds <= 0.0:
            raise UsageError(f"alpha {alpha!r}, expected less than a half for one side")
        return cls(v / (log_odds + math.log1p(log_odds)), one_sided)

    def log_supermartingale(self, s: float, v: float) -> float:
        """Return the log of the mixture at sum s and intrinsic time v."""
        whole = v + self.rho
        value = 0.5 * math.log(self.rho / whole) + 0.5 * s * s / whole
        if self.one_sided:
            value += math.log(2.0) + normal_log_sf(-s / math.sqrt(whole))
        return value

    def boundary(self, v: float, alpha: float = 0.05) -> float:
        """Return the sum at which the mixture reaches 1/α at intrinsic time v."""
        require_fraction("alpha", alpha)
        whole = v + self.rho
        two_sided = math.sqrt(whole * (math.log(whole / self.rho) - 2.0 * math.log(alpha)))
        if not self.one_sided:
            return two_sided
        return root(lambda s: self.log_supermartingale(s, v) + math.log(alpha), 0.0, two_sided)


@dataclass(frozen=True, slots=True)
class AlwaysValid:
    """Evidence at one look of a rule that holds at all: log e-value and its p-value."""

    log_e: float
    p_value: float


@dataclass(frozen=True, slots=True)
class AsymptoticInterval:
    """An asymptotic confidence sequence at one look, treatment minus control."""

    difference: float
    low: float
    high: float
    p_value: float


def msprt(control: Moments, treatment: Moments, *, tau: float) -> AlwaysValid:
    """Weigh a difference by the mixture SPRT with plug-in variance, effect ~ N(0, tau²).

    Robbins (1970), Ann. Math. Statist. 41; Johari, Koomen, Pekelis and Walsh (2022), Oper.
    Res. 70(3). Asymptotic: at small samples it errs too often.

    Raises:
        DegenerateDataError: with fewer than two values in an arm, or when both are constant.
    """
    require_positive("tau", tau)
    contrast = welch_contrast(control, treatment)
    variance, prior = contrast.standard_error**2, tau * tau
    shrink = prior / (variance + prior)
    log_e = 0.5 * (math.log(variance / (variance + prior)) + contrast.statistic() ** 2 * shrink)
    return AlwaysValid(log_e, math.exp(-max(0.0, log_e)))


def asymptotic_interval(
    control: Moments, treatment: Moments, *, tuning: float, alpha: float = 0.05
) -> AsymptoticInterval:
    """Bound a difference by the asymptotic confidence sequence, tightest at `tuning` units.

    Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), Ann. Statist. 52(6), theorem 2.2,
    with n the units of both arms.

    Raises:
        DegenerateDataError: with fewer than two values in an arm, or when both are constant.
    """
    require_fraction("alpha", alpha)
    require_positive("tuning", tuning)
    contrast = welch_contrast(control, treatment)
    n = control.n + treatment.n
    log_odds = -2.0 * math.log(alpha)
    time = n * (log_odds + math.log1p(log_odds)) / tuning
    width = math.sqrt((time + 1.0) / time * (math.log1p(time) + log_odds))
    radius = contrast.standard_error * width
    t_squared = contrast.statistic() ** 2
    log_e = 0.5 * (t_squared * time / (time + 1.0) - math.log1p(time))
    return AsymptoticInterval(
        contrast.difference,
        contrast.difference - radius,
        contrast.difference + radius,
        math.exp(-max(0.0, log_e)),
    )


def empirical_bernstein(
    values: Sequence[float], *, alpha: float = 0.05, truncation: float = 0.5
) -> list[tuple[float, float]]:
    """Return the always-valid interval of the mean of values in [0, 1] after each of them.

    The predictable plug-in empirical Bernstein sequence of Waudby-Smith and Ramdas (2024),
    JRSS-B 86(1), theorem 2, α/2 a side, without running intersection.

    Raises:
        DegenerateDataError: on NaN.
        UsageError: when a value lies outside [0, 1].
    """
    require_fraction("alpha", alpha)
    require_fraction("truncation", truncation)
    numbers = finite_floats(values)
    if not all(0.0 <= x <= 1.0 for x in numbers):
        raise UsageError("a value lies outside [0, 1], expected bounded values")
    lows = _bernstein_lows(numbers, 0.5 * alpha, truncation)
    highs = _bernstein_lows([1.0 - x for x in numbers], 0.5 * alpha, truncation)
    return [(low, 1.0 - high) for low, high in zip(lows, highs, strict=True)]


def _bernstein_lows(values: Sequence[float], alpha: float, truncation: float) -> list[float]:
    lows = []
    total = weighted = stakes = penalty = mean = 0.0
    spread, variance = 0.25, 0.25
    for t, x in zip(count(1), values):
        stake = math.sqrt(-2.0 * math.log(alpha) / (t * math.log1p(t) * variance))
        stake = min(truncation, stake)
        penalty += (x - mean) ** 2 * (-math.log1p(-stake) - stake)
        weighted += stake * x
        stakes += stake
        total += x
        mean = total / t
        spread += (x - (0.5 + total) / (t + 1)) ** 2
        variance = spread / (t + 1)
        lows.append(max(0.0, (weighted - penalty + math.log(alpha)) / stakes))
    return lows
