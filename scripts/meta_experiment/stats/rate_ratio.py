"""Intervals for the ratio of two success rates, sound where outcomes are rare or arms constant.

A t interval on zeros and ones takes an arm without a failure for one without variance, and
misses far too often there; these follow the likelihood of the two rates instead, at all looks
by itself, at one look by the rates that it makes likeliest.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.inputs import require_counts, require_fraction, require_positive
from meta_experiment.stats.rate_likelihood import log_average, log_likelihood
from meta_experiment.stats.root_finding import edge
from meta_experiment.stats.special import t_sf

Arm = tuple[float, float]  # successes, failures

_FARTHEST = 20.0  # log of a ratio beyond which it is as good as infinite
_CONTINUITY = 0.5  # units of each arm


def anytime_rate_ratio(
    control_successes: float,
    control_trials: int,
    treatment_successes: float,
    treatment_trials: int,
    *,
    alpha: float = 0.05,
) -> tuple[float, float | None]:
    """Bound treatment rate over control rate at all looks at once; None is unbounded.

    A ratio stays inside while the likelihood averaged over Jeffreys' prior on both rates is
    less than 1/α times the greatest likelihood that the ratio allows (universal inference:
    Wasserman, Ramdas and Balakrishnan 2020, PNAS 117(29)). At every sample size and
    allocation. Parts of successes, where a unit is the mean of several outcomes, keep it
    valid: the likelihood ratio is convex in each outcome.

    Raises:
        DegenerateDataError: an arm has no trials.
        UsageError: when successes do not fit into trials, or alpha is no fraction.
    """
    require_fraction("alpha", alpha)
    arms = _arms(control_successes, control_trials, treatment_successes, treatment_trials)
    floor = sum(log_average(*arm) for arm in arms) + math.log(alpha)

    def kept(ratio: float) -> bool:
        return _log_profile(arms, ratio) > floor

    return _low(arms, kept), _high(arms, kept)


def rate_ratio(
    control_successes: float,
    control_trials: int,
    treatment_successes: float,
    treatment_trials: int,
    *,
    level: float = 0.95,
) -> tuple[float, float | None]:
    """Bound treatment rate over control rate at one look, by the tails; None is unbounded.

    Raises:
        DegenerateDataError: an arm has no trials.
        UsageError: when successes do not fit into trials, or the level is no fraction.
    """
    require_fraction("level", level)
    arms = _arms(control_successes, control_trials, treatment_successes, treatment_trials)
    alpha = 0.5 * (1.0 - level)
    return (
        _low(arms, lambda ratio: _tails(arms, ratio)[0] > alpha),
        _high(arms, lambda ratio: _tails(arms, ratio)[1] > alpha),
    )


def anytime_ratio_evidence(
    control_successes: float,
    control_trials: int,
    treatment_successes: float,
    treatment_trials: int,
    ratio: float,
) -> tuple[float, float]:
    """Return log e-values for treatment over control above and below a ratio, at any time.

    The average likelihood of `anytime_rate_ratio` over the greatest one on the other side.

    Raises:
        DegenerateDataError: an arm has no trials.
        UsageError: when successes do not fit into trials, or the ratio is not above zero.
    """
    require_positive("ratio", ratio)
    arms = _arms(control_successes, control_trials, treatment_successes, treatment_trials)
    average = sum(log_average(*arm) for arm in arms)
    above, below = average - _log_highest(arms), average - _log_highest(arms)
    if _is_above(arms, ratio):
        above = average - _log_profile(arms, ratio)
    else:
        below = average - _log_profile(arms, ratio)
    return above, below


def rate_ratio_tails(
    control_successes: float,
    control_trials: int,
    treatment_successes: float,
    treatment_trials: int,
    ratio: float,
) -> tuple[float, float]:
    """Return one-sided p-values, small for treatment over control above and below a ratio.

    The score test at the rates that are likeliest where the ratio is true (Farrington and
    Manning 1990, Statistics in Medicine 9), less half a unit of each arm, as a t, for an arm
    whose rate is one does not vary. At a level of 5% it errs in at most that with arms of 10 to
    200 units, whatever the rates (enumerated), at 1% with arms of one size; where one has ten
    times the units of the other, in up to 1.4%. A mean of several outcomes varies less.

    Raises:
        DegenerateDataError: an arm has no trials.
        UsageError: when successes do not fit into trials, or the ratio is not above zero.
    """
    require_positive("ratio", ratio)
    arms = _arms(control_successes, control_trials, treatment_successes, treatment_trials)
    return _tails(arms, ratio)


def _tails(arms: tuple[Arm, Arm], ratio: float) -> tuple[float, float]:
    (control, of_control), (treatment, of_treatment) = (
        (arm[0] / sum(arm), sum(arm)) for arm in arms
    )
    rate = _likeliest(arms, ratio)
    parts = (
        ratio**2 * rate * (1.0 - rate) / of_control,
        min(1.0, ratio * rate) * max(0.0, 1.0 - ratio * rate) / of_treatment,
    )
    variance = sum(parts)
    if variance <= 0.0:
        return 1.0, 1.0
    doubt = _CONTINUITY * (ratio / of_control + 1.0 / of_treatment)
    units = (of_control, of_treatment)
    df = variance**2 / sum(
        part**2 / max(1.0, n - 1.0) for part, n in zip(parts, units, strict=True)
    )
    excess, sd = treatment - ratio * control, math.sqrt(variance)
    return t_sf((excess - doubt) / sd, df), t_sf((-excess - doubt) / sd, df)


def _log_highest(arms: tuple[Arm, Arm]) -> float:
    return sum(log_likelihood(*arm, arm[0] / (arm[0] + arm[1])) for arm in arms)


def _is_above(arms: tuple[Arm, Arm], ratio: float) -> bool:
    control, treatment = (arm[0] / (arm[0] + arm[1]) for arm in arms)
    return treatment > ratio * control


def _arms(
    control_successes: float,
    control_trials: int,
    treatment_successes: float,
    treatment_trials: int,
) -> tuple[Arm, Arm]:
    require_counts(control_successes, control_trials)
    require_counts(treatment_successes, treatment_trials)
    if control_trials == 0 or treatment_trials == 0:
        raise DegenerateDataError(
            "an arm has no trials, expected at least one in each", hint="record more trials"
        )
    return (
        (control_successes, control_trials - control_successes),
        (treatment_successes, treatment_trials - treatment_successes),
    )


def _low(arms: tuple[Arm, Arm], kept: Callable[[float], bool]) -> float:
    """Return the lowest ratio that is kept, the estimate being so."""
    control, treatment = (arm[0] / sum(arm) for arm in arms)
    if treatment == 0:
        return 0.0
    estimate = _log_ratio(control, treatment)
    return math.exp(edge(lambda log: kept(math.exp(log)), estimate, -_FARTHEST))


def _high(arms: tuple[Arm, Arm], kept: Callable[[float], bool]) -> float | None:
    """Return the highest ratio that is kept, the estimate being so; None is unbounded."""
    control, treatment = (arm[0] / sum(arm) for arm in arms)
    if control == 0:
        return None
    estimate = _log_ratio(control, treatment)
    high = edge(lambda log: kept(math.exp(log)), estimate, _FARTHEST)
    return None if high >= _FARTHEST else math.exp(high)


def _log_ratio(control: float, treatment: float) -> float:
    if control == 0 or treatment == 0:
        return 0.0 if control == treatment else math.copysign(_FARTHEST, treatment - control)
    return math.log(treatment / control)


def _log_profile(arms: tuple[Arm, Arm], ratio: float) -> float:
    """Return the greatest log likelihood with treatment rate = ratio × control rate."""
    rate = _likeliest(arms, ratio)
    (successes, failures), (more, fewer) = arms
    return log_likelihood(successes, failures, rate) + log_likelihood(
        more, fewer, min(1.0, ratio * rate)
    )


def _likeliest(arms: tuple[Arm, Arm], ratio: float) -> float:
    """Return the likeliest control rate with treatment rate = ratio × control rate.

    It is where a quadratic is zero, at the smaller root.
    """
    (successes, failures), (more, fewer) = arms
    total = successes + more
    if total == 0:
        return 0.0
    square = ratio * (total + failures + fewer)
    linear = total * (1.0 + ratio) + failures + ratio * fewer
    return 2.0 * total / (linear + math.sqrt(max(0.0, linear**2 - 4.0 * square * total)))
