"""Evidence that a quantile lies lower in one arm than in another, for any distribution.

Were the treatment's q-quantile not below the control's, then at one cut, which is the control's
quantile, a unit of the control would lie up to it with a chance of at least q, and one of the
treatment below it with a chance of at most q. Each of two counts speaks against that, as throws
of a coin whose chance is bounded by q. Nobody knows the cut, so that the evidence is the least
over all cuts: what convinces at every cut does so at the true one. Ties make it weaker alone.

Only cuts at values of the control matter, where its count steps. The evidence rises with the
treatment's count and falls with the control's, so that one pass over the cuts finds all changes
that are ruled out.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import lru_cache

from meta_experiment.records import dataclass
from meta_experiment.stats.log_sums import log_add, log_sum_exp
from meta_experiment.stats.root_finding import fewest

Pair = tuple[float, float]  # a value of the control, and one of the treatment

_LOG_2 = math.log(2.0)
_REFERENCE = math.log(20.0)
_MOST_UNITS = 100_000
_LEAST, _MOST, _STEPS = 0.05, 6.0, 14


def _guesses() -> tuple[tuple[float, float], ...]:
    """Return distances of a chance from q in logits, with the logs of their prior weights."""
    ratio = (_MOST / _LEAST) ** (1.0 / (_STEPS - 1))
    distances = [_LEAST * ratio**step for step in range(_STEPS)]
    weights = [1.0 / (1.0 + distance) for distance in distances]
    total = math.fsum(weights)
    return tuple(
        (distance, math.log(weight / total))
        for distance, weight in zip(distances, weights, strict=True)
    )


_GUESSES = _guesses()


@dataclass(frozen=True, slots=True)
class Weighing:
    """How the counts of two arms become one log evidence.

    `strengths(n, q)` are log evidence that a coin thrown n times has a chance above q, by the
    number of throws that failed; they fall with it. `ends` are the first and the last of them.
    `joined` is that of two coins together, rising in each.
    """

    strengths: Callable[[int, float], Sequence[float]]
    ends: Callable[[int, float], tuple[float, float]]
    joined: Callable[[float, float], float]


def _log_starts(n: int, q: float) -> list[tuple[float, float]]:
    """Return each guess with its weighted log likelihood ratio when no throw failed."""
    return [
        (distance, log_weight - n * math.log(q + (1.0 - q) * math.exp(-distance)))
        for distance, log_weight in _GUESSES
    ]


@lru_cache(maxsize=32)  # the same arms are held against several nulls
def log_e_values(n: int, q: float) -> tuple[float, ...]:
    """Return log e-values for a chance above q, by the failures among n throws, at any time.

    The likelihood over that of q itself, averaged over a prior on the chances above. For every
    chance up to q its expectation is at most one, as the ratio rises with the successes.
    """
    starts, exp, log = _log_starts(n, q), math.exp, math.log
    found = []
    for failures in range(n + 1):
        logs = [start - distance * failures for distance, start in starts]
        top = max(logs)
        found.append(top + log(sum([exp(value - top) for value in logs])))
    return tuple(found)


def _ends_of_e(n: int, q: float) -> tuple[float, float]:
    starts = _log_starts(n, q)
    return (
        log_sum_exp([start for _, start in starts]),
        log_sum_exp([start - distance * n for distance, start in starts]),
    )


@lru_cache(maxsize=32)
def minus_log_p_values(n: int, q: float) -> tuple[float, ...]:
    """Return −log of the exact p-values against a chance up to q, by the failures, at one look.

    Each is the chance of so few failures or fewer at q.
    """
    log_odds = math.log1p(-q) - math.log(q)
    log_chance, log_tail = n * math.log(q), -math.inf
    found = []
    for failures in range(n + 1):
        log_tail = log_add(log_tail, log_chance)
        found.append(max(0.0, -log_tail))
        if failures < n:
            log_chance += math.log((n - failures) / (failures + 1)) + log_odds
    return tuple(found)


def _ends_of_p(n: int, q: float) -> tuple[float, float]:
    return -n * math.log(q), 0.0


def _fisher(one: float, other: float) -> float:
    """Return −log of the p-value of a product of two independent ones (Fisher 1932)."""
    total = one + other
    return total - math.log1p(total)


def _mean_of_e(one: float, other: float) -> float:
    return log_add(one, other) - _LOG_2


def _bonferroni(one: float, other: float) -> float:
    return max(0.0, max(one, other) - _LOG_2)


ALWAYS = Weighing(log_e_values, _ends_of_e, lambda one, other: one + other)
ONCE = Weighing(minus_log_p_values, _ends_of_p, _fisher)
ALWAYS_DEPENDENT = Weighing(log_e_values, _ends_of_e, _mean_of_e)
ONCE_DEPENDENT = Weighing(minus_log_p_values, _ends_of_p, _bonferroni)
"""At every look or at one, of arms that have nothing to do with each other or may have."""


@lru_cache(maxsize=32)
def fewest_units(q: float, weighing: Weighing) -> int:
    """Return from how many units per arm on arms wholly apart reach an evidence of 20."""

    def tells(n: int) -> bool:
        above, below = weighing.ends(n, 1.0 - q), weighing.ends(n, q)
        cuts = zip(above, reversed(below), strict=True)
        return min(weighing.joined(*arms) for arms in cuts) >= _REFERENCE

    return fewest(tells, 1, _MOST_UNITS) or _MOST_UNITS


def log_evidence(
    control: Sequence[float], treatment: Sequence[float], q: float, weighing: Weighing
) -> tuple[float, float]:
    """Return log evidence that the treatment's q-quantile is greater, and less.

    Both arms have values, in rising order.
    """
    return (
        _below(_mirrored(control), _mirrored(treatment), 1.0 - q, weighing),
        _below(control, treatment, q, weighing),
    )


def _below(
    control: Sequence[float], treatment: Sequence[float], q: float, weighing: Weighing
) -> float:
    more_above = weighing.strengths(len(control), 1.0 - q)
    more_below = weighing.strengths(len(treatment), q)
    joined, units = weighing.joined, len(treatment)
    least = joined(more_above[0], more_below[units])
    for up_to, value in enumerate(control, 1):
        seen = joined(more_above[up_to], more_below[units - bisect_left(treatment, value)])
        least = min(least, seen)
    return least


def bounds_of_less(
    control: Sequence[float],
    treatment: Sequence[float],
    q: float,
    weighing: Weighing,
    bar: float,
) -> list[Pair] | None:
    """Return pairs of a control's and a treatment's value that decide what is ruled out.

    The evidence that the treatment's q-quantile is less reaches the bar exactly where, in every
    pair, the treatment's value is less than the control's; so it is with the control moved by
    any rising function. None where it is not reached wherever the control lies. Both arms have
    values, in rising order.
    """
    more_above = weighing.strengths(len(control), 1.0 - q)
    more_below = weighing.strengths(len(treatment), q)
    joined, units = weighing.joined, len(treatment)
    if joined(more_above[0], more_below[units]) < bar:
        return None
    below, pairs = 0, list[Pair]()
    for up_to, value in enumerate(control, 1):
        while joined(more_above[up_to], more_below[units - below]) < bar:
            below += 1
            if below > units:
                return None
        if below:
            pairs.append((value, treatment[below - 1]))
    return pairs


def bounds_of_greater(
    control: Sequence[float],
    treatment: Sequence[float],
    q: float,
    weighing: Weighing,
    bar: float,
) -> list[Pair] | None:
    """Return such pairs for greater: in all the treatment's value is to be the greater one."""
    found = bounds_of_less(_mirrored(control), _mirrored(treatment), 1.0 - q, weighing, bar)
    return found and [(-one, -other) for one, other in found]


def _mirrored(values: Sequence[float]) -> list[float]:
    return [-value for value in reversed(values)]
