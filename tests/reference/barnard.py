"""Barnard's unconditional exact test of two success rates."""

from __future__ import annotations

import math
from collections.abc import Callable

from meta_experiment.stats.proportion import pooled_z

_GRID = 256
_GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)


def barnard_exact(
    control_successes: int, control_trials: int, treatment_successes: int, treatment_trials: int
) -> float:
    """Return the two-sided p-value that holds whatever the common rate.

    It is the greatest probability, over all common rates, of a pooled z at least as large as
    the one observed (Barnard 1945, Nature 156; Suissa and Shuster 1985, JRSS-A 148). Time
    grows with the product of the two sizes: meant for small samples.

    Raises:
        DegenerateDataError: without trials in an arm, or when no outcome varies.
        UsageError: when successes do not fit into trials.
    """
    pooled_z(control_successes, control_trials, treatment_successes, treatment_trials)
    gap = treatment_successes * control_trials - control_successes * treatment_trials
    if gap == 0:
        return 1.0
    successes = control_successes + treatment_successes
    tables = _extreme_tables(control_trials, treatment_trials, gap, successes)
    total = control_trials + treatment_trials

    def tail(rate: float) -> float:
        log_rate, log_rest = math.log(rate), math.log1p(-rate)
        return math.fsum(
            math.exp(log_ways + count * log_rate + (total - count) * log_rest)
            for count, log_ways in tables
        )

    values = [tail((index + 0.5) / _GRID) for index in range(_GRID)]
    peaks = sorted(range(_GRID), key=values.__getitem__, reverse=True)[:8]
    return min(1.0, max(_greatest(tail, peak / _GRID, (peak + 1) / _GRID) for peak in peaks))


def _extreme_tables(
    control_trials: int, treatment_trials: int, gap: int, successes: int
) -> list[tuple[int, float]]:
    """Return, by total successes, the log number of outcomes with |z| at least as large.

    z² is proportional to gap² / (successes × failures), so whole numbers compare exactly.
    """
    total = control_trials + treatment_trials
    scale = successes * (total - successes)
    tables = []
    for count in range(1, total):
        ways = sum(
            math.comb(treatment_trials, k) * math.comb(control_trials, count - k)
            for k in range(max(0, count - control_trials), min(treatment_trials, count) + 1)
            if (k * control_trials - (count - k) * treatment_trials) ** 2 * scale
            >= gap**2 * count * (total - count)
        )
        if ways:
            tables.append((count, math.log(ways)))
    return tables


def _greatest(function: Callable[[float], float], low: float, high: float) -> float:
    """Return the greatest value in a bracket of one peak, by golden-section search."""
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    value_left, value_right = function(left), function(right)
    for _ in range(40):
        if value_left > value_right:
            high, right, value_right = right, left, value_left
            left = high - _GOLDEN * (high - low)
            value_left = function(left)
        else:
            low, left, value_left = left, right, value_right
            right = low + _GOLDEN * (high - low)
            value_right = function(right)
    return max(value_left, value_right)
