"""Intervals for the ratio of two success rates, sound where outcomes are rare or arms constant.

A t interval on zeros and ones takes an arm without a failure for one without variance, and
misses far too often there; these follow the likelihood of the two rates instead.
"""

from __future__ import annotations

import math

from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.inputs import require_counts, require_fraction, require_positive
from meta_experiment.stats.rate_likelihood import log_average, log_likelihood
from meta_experiment.stats.root_finding import edge
from meta_experiment.stats.special import normal_isf, normal_sf

Arm = tuple[float, float]  # successes, failures

_FARTHEST = 20.0  # log of a ratio beyond which it is as good as infinite


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
    return _bounds(arms, floor)


def rate_ratio(
    control_successes: float,
    control_trials: int,
    treatment_successes: float,
    treatment_trials: int,
    *,
    level: float = 0.95,
) -> tuple[float, float | None]:
    """Bound treatment rate over control rate at one look; None is unbounded.

    The ratios that a likelihood ratio test does not reject, twice its logarithm against a
    chi-square with one degree of freedom.

    Raises:
        DegenerateDataError: an arm has no trials.
        UsageError: when successes do not fit into trials, or the level is no fraction.
    """
    require_fraction("level", level)
    arms = _arms(control_successes, control_trials, treatment_successes, treatment_trials)
    return _bounds(arms, _log_highest(arms) - 0.5 * normal_isf(0.5 * (1.0 - level)) ** 2)


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

    By the signed root of the likelihood ratio, normal in large samples; for one look.

    Raises:
        DegenerateDataError: an arm has no trials.
        UsageError: when successes do not fit into trials, or the ratio is not above zero.
    """
    require_positive("ratio", ratio)
    arms = _arms(control_successes, control_trials, treatment_successes, treatment_trials)
    drop = max(0.0, _log_highest(arms) - _log_profile(arms, ratio))
    z = math.copysign(math.sqrt(2.0 * drop), 1.0 if _is_above(arms, ratio) else -1.0)
    return normal_sf(z), normal_sf(-z)


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


def _bounds(arms: tuple[Arm, Arm], floor: float) -> tuple[float, float | None]:
    """Return the ends of the ratios whose greatest likelihood is above a floor."""
    control, treatment = (arm[0] / (arm[0] + arm[1]) for arm in arms)
    estimate = _log_ratio(control, treatment)

    def kept(log_ratio: float) -> bool:
        return _log_profile(arms, math.exp(log_ratio)) > floor

    low = 0.0 if treatment == 0 else math.exp(edge(kept, estimate, -_FARTHEST))
    high = math.inf if control == 0 else math.exp(edge(kept, estimate, _FARTHEST))
    return low, None if high >= math.exp(_FARTHEST) else high


def _log_ratio(control: float, treatment: float) -> float:
    if control == 0 or treatment == 0:
        return 0.0 if control == treatment else math.copysign(_FARTHEST, treatment - control)
    return math.log(treatment / control)


def _log_profile(arms: tuple[Arm, Arm], ratio: float) -> float:
    """Return the greatest log likelihood with treatment rate = ratio × control rate.

    It is where a quadratic in the control's rate is zero, at the smaller root.
    """
    (successes, failures), (more, fewer) = arms
    total = successes + more
    if total == 0:
        return 0.0
    square = ratio * (total + failures + fewer)
    linear = total * (1.0 + ratio) + failures + ratio * fewer
    rate = 2.0 * total / (linear + math.sqrt(max(0.0, linear**2 - 4.0 * square * total)))
    return log_likelihood(successes, failures, rate) + log_likelihood(
        more, fewer, min(1.0, ratio * rate)
    )
