"""Exact sequential evidence on two success rates, from pairs in assignment order.

Each pair holds one unit of either arm. Against "no better", a guess (θc < θt) of the two
rates is weighed by its likelihood over that of both rates at their midpoint: the growth-rate
optimal e-variable of Turner, Ly and Grünwald (2024, Two-sample tests that are safe under
optional stopping, with an application to contingency tables, J. Stat. Plann. Inference 231).
Its expectation is at most one for every pair of rates with θt ≤ θc, so its product over
pairs, averaged over a prior on the guesses, may be looked at after every pair. The product
depends on the counts alone.

The prior is half a uniform one on the triangle θc < θt, half a normal one on the logits: the
mean of logit θc and logit θt is N(0, 2²), their difference half-normal with scale 1.5. The
uniform half finds large differences after few pairs, the other one differences near 0 or 1.
It is laid on a fixed grid of guesses, equally spaced in the mean of the logits and in the
logarithm of their difference, which is finer than the data can tell apart up to a decision.
A prior on a grid is a prior: no error of integration can touch the guarantee.
"""

from __future__ import annotations

import math
from functools import cache

from meta_experiment.records import dataclass
from meta_experiment.stats.inputs import require_counts
from meta_experiment.stats.log_sums import log_sum_exp

_CENTER_SD = 2.0
_GAP_SD = 1.5
_CENTERS = tuple(0.5 * k for k in range(-16, 17))
_GAPS = tuple(math.exp(0.25 * k) for k in range(-24, 12))


@dataclass(frozen=True, slots=True)
class PairEvidence:
    """Log e-values: `log_e_greater` speaks for "the treatment succeeds more often"."""

    log_e_greater: float
    log_e_less: float


@dataclass(frozen=True, slots=True)
class _Guess:
    """A pair of rates: its prior weight and what each outcome adds to its log likelihood.

    All against the same outcome at the midpoint of the two rates.
    """

    log_weight: float
    lower_success: float
    lower_failure: float
    upper_success: float
    upper_failure: float


def pair_rule(control_successes: float, treatment_successes: float, pairs: int) -> PairEvidence:
    """Weigh both directions after a number of complete pairs.

    A unit whose outcome is the mean of several, in [0, 1], counts as that part of a success:
    the factor of a pair is convex in each outcome, so that its expectation is at most that
    for a single outcome of the same rate.

    Args:
        control_successes: successes among the control units of these pairs.
        treatment_successes: successes among the treatment units of these pairs.
        pairs: number of complete pairs.

    Raises:
        UsageError: when the successes do not fit into the pairs.
    """
    require_counts(control_successes, pairs)
    require_counts(treatment_successes, pairs)
    return PairEvidence(
        log_e_greater=_log_mixture(control_successes, treatment_successes, pairs),
        log_e_less=_log_mixture(treatment_successes, control_successes, pairs),
    )


def _log_mixture(lower: float, upper: float, pairs: int) -> float:
    lower_failures, upper_failures = pairs - lower, pairs - upper
    return log_sum_exp(
        [
            guess.log_weight
            + lower * guess.lower_success
            + lower_failures * guess.lower_failure
            + upper * guess.upper_success
            + upper_failures * guess.upper_failure
            for guess in _guesses()
        ]
    )


@cache
def _guesses() -> tuple[_Guess, ...]:
    nodes = [(z, b) for z in _CENTERS for b in _GAPS]
    weights = [_prior_density(z, b) * b for z, b in nodes]
    log_total = math.log(math.fsum(weights))
    return tuple(
        _guess(z, b, math.log(weight) - log_total)
        for (z, b), weight in zip(nodes, weights, strict=True)
    )


def _prior_density(z: float, b: float) -> float:
    """Return the prior's density at mean z and difference b of the logits, up to a factor."""
    uniform = 0.25 / (math.cosh(z) + math.cosh(0.5 * b)) ** 2
    normal = math.exp(-0.5 * ((z / _CENTER_SD) ** 2 + (b / _GAP_SD) ** 2))
    return uniform + normal / (2.0 * math.pi * _CENTER_SD * _GAP_SD)


def _guess(z: float, b: float, log_weight: float) -> _Guess:
    sinh, cosh = math.sinh(0.5 * b), math.cosh(0.5 * b)
    # half the difference of the rates, as a part of their midpoint and of its complement
    of_success = sinh / (math.exp(z) + cosh)
    of_failure = sinh / (math.exp(-z) + cosh)
    return _Guess(
        log_weight,
        lower_success=math.log1p(-of_success),
        lower_failure=math.log1p(of_failure),
        upper_success=math.log1p(of_success),
        upper_failure=math.log1p(-of_failure),
    )
