"""Power, and the smallest effect that is mostly found."""

from __future__ import annotations

import math
from collections.abc import Callable

from meta_experiment.errors import UsageError
from meta_experiment.stats.always_valid import critical_statistic
from meta_experiment.stats.inputs import require_fraction
from meta_experiment.stats.noncentral import noncentral_t_sf
from meta_experiment.stats.root_finding import root
from meta_experiment.stats.special import normal_cdf, t_isf

_LARGEST = 1e9
_AHEAD = 1.1


def t_power(n: float, effect: float, *, alpha: float = 0.05, sides: int = 2) -> float:
    """Return the power of one two-sample t-test with n units per arm.

    Args:
        n: units per arm, above 1.
        effect: true standardised difference (Cohen's d).
        alpha: error rate.
        sides: 2, or 1 for "treatment is greater". Two sides count both tails.

    Raises:
        UsageError: when an argument makes no sense.
    """
    require_fraction("alpha", alpha)
    _require_sides(sides)
    if n <= 1.0:
        raise UsageError(f"n is {n!r}, expected more than one unit per arm")
    df, shift = 2.0 * n - 2.0, effect * math.sqrt(0.5 * n)
    critical = t_isf(alpha / sides, df)
    power = noncentral_t_sf(critical, df, shift)
    return power if sides == 1 else power + noncentral_t_sf(critical, df, -shift)


def t_detectable_effect(
    n: float, *, power: float = 0.8, alpha: float = 0.05, sides: int = 2
) -> float:
    """Return the smallest standardised difference that a t-test finds with the power."""
    _require_attainable(power, alpha)
    return _crossing(lambda d: t_power(n, d, alpha=alpha, sides=sides) - power, 1e-9)


def anytime_critical_t(n: float, *, alpha: float = 0.05) -> float:
    """Return the t at which the one-sided anytime-valid e-value reaches 1/α.

    With n units per arm of equal variance; infinite while n is so small that no t does.

    Raises:
        UsageError: when an argument makes no sense.
    """
    if n < 2.0:
        raise UsageError(f"n is {n!r}, expected at least two units per arm")
    critical = critical_statistic(2.0 * n - 2.0, 0.5 * n, alpha)
    return math.inf if critical is None else critical


def anytime_power(
    n: float,
    effect: float,
    *,
    alpha: float = 0.05,
    first_look: float = 10.0,
) -> float:
    """Return the approximate chance that the one-sided sequential rule decides by n.

    The chance to be over the boundary at n is that of the noncentral t. The chance to have
    been over it before and to have come back is that of a Brownian motion with drift against
    the boundary's tangent at n (see `came_back`). Within a few points of simulation.

    Args:
        n: units per arm at the last look.
        effect: true standardised difference in the direction of the rule.
        alpha: error rate of the rule.
        first_look: units per arm at the first look.
    """
    return _power_by(n, effect, _boundary(n, alpha), first_look)


def _boundary(n: float, alpha: float) -> tuple[float, float]:
    """Return the critical t, and by how much its logarithm rises with that of n."""
    critical = anytime_critical_t(n, alpha=alpha)
    if math.isinf(critical):
        return critical, 0.0
    ahead = anytime_critical_t(_AHEAD * n, alpha=alpha)
    return critical, math.log(ahead / critical) / math.log(_AHEAD)


def _power_by(
    n: float, effect: float, boundary: tuple[float, float], first_look: float
) -> float:
    critical, rise = boundary
    if math.isinf(critical):
        return 0.0
    shift = effect * math.sqrt(0.5 * n)
    now = noncentral_t_sf(critical, 2.0 * n - 2.0, shift)
    if n <= first_look:
        return now
    start, slope = (0.5 - rise) * critical, (0.5 + rise) * critical  # of the tangent at n
    return min(1.0, now + came_back(start, shift - slope, first_look / n))


def came_back(start: float, excess: float, unseen: float) -> float:
    """Return the approximate chance to have been over a line before, and to be below it now.

    Of a Brownian motion at time 1 (Siegmund 1985, Sequential Analysis, eq. 3.15): the line
    begins at `start`, and the drift exceeds its slope by `excess`. The part of the path that
    was looked at is what is left of 1 by `unseen`.
    """
    back = math.exp(min(700.0, 2.0 * start * excess)) * normal_cdf(-start - excess)
    return back * math.sqrt(1.0 - unseen)


def anytime_detectable_effect(
    n: float,
    *,
    power: float = 0.8,
    alpha: float = 0.05,
    first_look: float = 10.0,
) -> float:
    """Return the smallest standardised effect that the sequential rule decides by n.

    In a share `power` of runs, approximately; see `anytime_power`. On the log scale the
    smallest relative improvement is 1 - exp(-effect × log-sd), on the raw scale effect × sd.

    Raises:
        UsageError: when an argument makes no sense.
    """
    require_fraction("power", power)

    boundary = _boundary(n, alpha)
    return _crossing(lambda effect: _power_by(n, effect, boundary, first_look) - power, 1e-9)


def _crossing(rising: Callable[[float], float], start: float) -> float:
    """Return where a rising function passes zero, above a start."""
    low = high = start
    while rising(high) < 0.0:
        low, high = high, 2.0 * high + 0.5
        if high > _LARGEST:
            raise UsageError(
                "no sensible size reaches what was asked for, expected a larger effect or "
                "a lower power"
            )
    return root(rising, low, high)


def _require_sides(sides: int) -> None:
    if sides not in (1, 2):
        raise UsageError(f"{sides!r} sides, expected 1 or 2")


def _require_attainable(power: float, alpha: float) -> None:
    require_fraction("power", power)
    require_fraction("alpha", alpha)
    if power <= alpha:
        raise UsageError(f"power {power!r} is not above alpha {alpha!r}, expected more")
