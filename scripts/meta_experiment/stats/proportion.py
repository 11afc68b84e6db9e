"""Two success rates at one look."""

from __future__ import annotations

import math

from meta_experiment.errors import DegenerateDataError
from meta_experiment.records import dataclass
from meta_experiment.stats.inputs import require_counts, require_fraction
from meta_experiment.stats.special import chi2_sf, normal_isf, normal_sf
from meta_experiment.stats.srm import ChiSquare


@dataclass(frozen=True, slots=True)
class ProportionTest:
    """A z-test of treatment rate minus control rate; `p_greater` small when treatment is up."""

    statistic: float
    p_value: float
    p_greater: float
    p_less: float
    difference: float


@dataclass(frozen=True, slots=True)
class RateInterval:
    """Bounds of a rate, or of a difference of rates."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class FisherTest:
    """Fisher's exact test, conditional on both margins.

    `p_greater` is small when treatment succeeds more often; `p_value` sums the tables that
    are at most as probable as the one observed.
    """

    p_value: float
    p_greater: float
    p_less: float


def pooled_z(
    control_successes: int, control_trials: int, treatment_successes: int, treatment_trials: int
) -> ProportionTest:
    """Test the difference of two rates with the pooled variance, no continuity correction.

    Raises:
        DegenerateDataError: without data in an arm, or when no outcome varies (0/n or n/n in
            both arms).
        UsageError: when successes do not fit into trials.
    """
    _require_both(control_successes, control_trials, treatment_successes, treatment_trials)
    total = control_trials + treatment_trials
    successes = control_successes + treatment_successes
    if successes in (0, total):
        raise DegenerateDataError(
            f"all {total} outcomes are the same, expected both successes and failures",
            hint="wait for more trials: a rate of 0 or 1 in both arms has no variance",
        )
    pooled = successes / total
    difference = treatment_successes / treatment_trials - control_successes / control_trials
    error = math.sqrt(pooled * (1.0 - pooled) * (1.0 / control_trials + 1.0 / treatment_trials))
    z = difference / error
    return ProportionTest(z, 2.0 * normal_sf(abs(z)), normal_sf(z), normal_sf(-z), difference)


def wilson(successes: int, trials: int, *, level: float = 0.95) -> RateInterval:
    """Bound one rate by inverting its score test (Wilson 1927, JASA 22).

    Raises:
        DegenerateDataError: without trials.
        UsageError: when successes do not fit into trials, or the level is no fraction.
    """
    require_fraction("level", level)
    require_counts(successes, trials)
    if trials == 0:
        raise DegenerateDataError("an arm has no trials, expected at least one")
    square = normal_isf(0.5 * (1.0 - level)) ** 2
    rate = successes / trials
    center = (successes + 0.5 * square) / (trials + square)
    radius = math.sqrt(square * (trials * rate * (1.0 - rate) + 0.25 * square)) / (
        trials + square
    )
    return RateInterval(
        low=0.0 if successes == 0 else center - radius,
        high=1.0 if successes == trials else center + radius,
    )


def newcombe(
    control_successes: int,
    control_trials: int,
    treatment_successes: int,
    treatment_trials: int,
    *,
    level: float = 0.95,
) -> RateInterval:
    """Bound treatment rate minus control rate by two Wilson intervals.

    Method 10 of Newcombe (1998), Statistics in Medicine 17; sound also at 0/n and n/n.

    Raises:
        DegenerateDataError: without trials in an arm.
        UsageError: when successes do not fit into trials, or the level is no fraction.
    """
    control = wilson(control_successes, control_trials, level=level)
    treatment = wilson(treatment_successes, treatment_trials, level=level)
    rate_c = control_successes / control_trials
    rate_t = treatment_successes / treatment_trials
    difference = rate_t - rate_c
    return RateInterval(
        low=difference - math.hypot(rate_t - treatment.low, control.high - rate_c),
        high=difference + math.hypot(treatment.high - rate_t, rate_c - control.low),
    )


def fisher_exact(
    control_successes: int, control_trials: int, treatment_successes: int, treatment_trials: int
) -> FisherTest:
    """Test two rates exactly, given the total number of successes (Fisher 1935).

    Raises:
        DegenerateDataError: without trials in an arm.
        UsageError: when successes do not fit into trials.
    """
    _require_both(control_successes, control_trials, treatment_successes, treatment_trials)
    successes = control_successes + treatment_successes
    least = max(0, successes - control_trials)
    most = min(successes, treatment_trials)
    weights = _hypergeometric(least, most, successes, control_trials, treatment_trials)
    observed = weights[treatment_successes - least]
    total = math.fsum(weights)
    # tables that tie with the observed one in exact arithmetic differ by rounding here
    return FisherTest(
        p_value=min(1.0, math.fsum(w for w in weights if w <= observed * (1 + 1e-7)) / total),
        p_greater=min(1.0, math.fsum(weights[treatment_successes - least :]) / total),
        p_less=min(1.0, math.fsum(weights[: treatment_successes - least + 1]) / total),
    )


def _hypergeometric(
    least: int, most: int, successes: int, control_trials: int, treatment_trials: int
) -> list[float]:
    """Return the probabilities of least…most treatment successes, relative to the mode's."""
    share = (successes + 1) * (treatment_trials + 1) / (control_trials + treatment_trials + 2)
    mode = min(max(int(share), least), most)
    rest = control_trials - successes
    weights, below = [1.0], [1.0]
    for k in range(mode, most):
        odds = (successes - k) * (treatment_trials - k) / ((k + 1) * (rest + k + 1))
        weights.append(weights[-1] * odds)
    for k in range(mode, least, -1):
        odds = k * (rest + k) / ((successes - k + 1) * (treatment_trials - k + 1))
        below.append(below[-1] * odds)
    return below[:0:-1] + weights


def homogeneity(successes: list[int], trials: list[int]) -> ChiSquare:
    """Compare the rates of any number of arms by Pearson's chi-square, df = arms - 1.

    Raises:
        DegenerateDataError: without trials in an arm, or when no outcome varies.
        UsageError: when successes do not fit into trials.
    """
    for success, trial in zip(successes, trials, strict=True):
        require_counts(success, trial)
    total = sum(trials)
    pooled = sum(successes) / total if total else 0.0
    if min(trials) == 0 or pooled in (0.0, 1.0):
        raise DegenerateDataError(
            "no outcome varies or an arm has no trials, expected successes and failures",
            hint="wait for more trials",
        )
    statistic = math.fsum(
        (success - trial * pooled) ** 2 / (trial * pooled * (1.0 - pooled))
        for success, trial in zip(successes, trials, strict=True)
    )
    df = len(trials) - 1
    return ChiSquare(statistic, df, chi2_sf(statistic, df))


def _require_both(
    control_successes: int, control_trials: int, treatment_successes: int, treatment_trials: int
) -> None:
    require_counts(control_successes, control_trials)
    require_counts(treatment_successes, treatment_trials)
    if control_trials == 0 or treatment_trials == 0:
        raise DegenerateDataError(
            "an arm has no trials, expected at least one in each",
            hint="record more trials",
        )
