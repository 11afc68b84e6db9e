"""Exact evidence on two success rates within strata, such as days, each given its totals.

Who decides shares that nobody here knows may draw one arm ten times as often, and rates drift
in time. Within a stratum the arms met the same time. Given how many units each arm has there
and how many of both succeeded, the number of the treatment's successes is hypergeometric where
nothing differs, whatever the rate was and however it moved among these units: the draw of the
arms alone is at work. A guess of the odds ratio is weighed by Fisher's noncentral form over
that. The ratio rises with the treatment's successes, so that its expectation is at most one
also where the treatment does worse in every stratum; products over strata that are over,
averaged over a prior on the guesses, may be looked at after every stratum.

The prior is half-normal in the logarithm of the odds ratio, on a fixed grid.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from functools import cache, lru_cache

from meta_experiment.records import dataclass
from meta_experiment.stats.concave_mixture import log_mixture
from meta_experiment.stats.inputs import require_counts

_SD = 1.5
_GUESSES = tuple(math.exp(0.25 * k) for k in range(-20, 11))
_LAST_TERM = 1e-18  # of a sum whose terms fall


@dataclass(frozen=True, slots=True)
class RateStratum:
    """Units of both arms that met the same time, and how many of them succeeded."""

    control: int
    treatment: int
    control_successes: int
    treatment_successes: int

    @property
    def units(self) -> int:
        """How many units both arms have."""
        return self.control + self.treatment

    def merge(self, other: RateStratum) -> RateStratum:
        """Return both as one."""
        return RateStratum(
            self.control + other.control,
            self.treatment + other.treatment,
            self.control_successes + other.control_successes,
            self.treatment_successes + other.treatment_successes,
        )


@dataclass(frozen=True, slots=True)
class StrataEvidence:
    """Log e-values: `log_e_greater` speaks for "the treatment succeeds more often"."""

    log_e_greater: float
    log_e_less: float


def strata_rule(strata: Iterable[RateStratum]) -> StrataEvidence:
    """Weigh both directions after a number of strata that are over.

    Raises:
        UsageError: when successes do not fit into units.
    """
    treated, tables = 0, Counter[tuple[int, int, int]]()
    for item in strata:
        require_counts(item.control_successes, item.control)
        require_counts(item.treatment_successes, item.treatment)
        successes = item.control_successes + item.treatment_successes
        if 0 < successes < item.units and item.control and item.treatment:
            treated += item.treatment_successes
            tables[item.control, item.treatment, successes] += 1

    def total(theta: float) -> float:
        return theta * treated - math.fsum(
            number * _log_mean(*table, theta) for table, number in tables.items()
        )

    return StrataEvidence(*(log_mixture(total, _prior(), sign) for sign in (1.0, -1.0)))


@cache
def _prior() -> tuple[tuple[float, float], ...]:
    """Return the guesses with the logs of their weights, which sum to one."""
    weights = [guess * math.exp(-0.5 * (guess / _SD) ** 2) for guess in _GUESSES]
    total = math.fsum(weights)
    return tuple(
        (guess, math.log(weight / total))
        for guess, weight in zip(_GUESSES, weights, strict=True)
    )


@lru_cache(maxsize=65_536)  # small strata are alike, and a look repeats those before it
def _log_mean(control: int, treatment: int, successes: int, theta: float) -> float:
    """Return log E exp(θ H), H the treatment's share of the successes where nothing differs."""
    top, one = _log_total(control, treatment, successes, theta)
    base, other = _log_total(control, treatment, successes, 0.0)
    return (top - base) + (one - other)


@lru_cache(maxsize=65_536)
def _log_total(
    control: int, treatment: int, successes: int, theta: float
) -> tuple[float, float]:
    """Return the log of the largest term of all tables at θ, and of their sum over that."""
    least, most = max(0, successes - control), min(successes, treatment)
    mode = _mode(control, treatment, successes, theta, least, most)
    rest, odds = control - successes, math.exp(theta)
    total = term = 1.0
    for h in range(mode, most):
        term *= odds * ((treatment - h) * (successes - h)) / ((h + 1) * (rest + h + 1))
        total += term
        if term < _LAST_TERM * total:
            break
    term = 1.0
    for h in range(mode, least, -1):
        term *= (h * (rest + h)) / ((treatment - h + 1) * (successes - h + 1)) / odds
        total += term
        if term < _LAST_TERM * total:
            break
    largest = _log_choose(treatment, mode) + _log_choose(control, successes - mode)
    return largest + theta * mode, math.log(total)


def _mode(
    control: int, treatment: int, successes: int, theta: float, least: int, most: int
) -> int:
    """Return the most probable of the treatment's successes, by bisection on the odds."""
    rest = control - successes
    low, high = least, most
    while low < high:
        h = (low + high) // 2
        rises = math.log((treatment - h) * (successes - h)) + theta > math.log(
            (h + 1) * (rest + h + 1)
        )
        low, high = (h + 1, high) if rises else (low, h)
    return low


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
