"""Adjusted p-values beside Holm's."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate

from meta_experiment.errors import UsageError


def bonferroni(p_values: Sequence[float]) -> list[float]:
    """Return p-values times their number (Bonferroni 1936); familywise."""
    _require_p_values(p_values)
    return [min(1.0, p * len(p_values)) for p in p_values]


def hochberg(p_values: Sequence[float]) -> list[float]:
    """Return step-up adjusted p-values (Hochberg 1988); familywise, positive dependence."""
    return _step_up(p_values, lambda rank, count: count - rank)


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return adjusted p-values that control the false discovery rate (1995)."""
    return _step_up(p_values, lambda rank, count: count / (rank + 1))


def benjamini_yekutieli(p_values: Sequence[float]) -> list[float]:
    """Return adjusted p-values for the false discovery rate under any dependence (2001)."""
    harmonic = math.fsum(1.0 / k for k in range(1, len(p_values) + 1))
    return _step_up(p_values, lambda rank, count: harmonic * count / (rank + 1))


def _step_up(p_values: Sequence[float], factor: Callable[[int, int], float]) -> list[float]:
    _require_p_values(p_values)
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    scaled = [min(1.0, p_values[k] * factor(r, len(order))) for r, k in enumerate(order)]
    adjusted = [0.0] * len(order)
    for index, value in zip(reversed(order), accumulate(reversed(scaled), min), strict=True):
        adjusted[index] = value
    return adjusted


def _require_p_values(p_values: Sequence[float]) -> None:
    if not all(0.0 <= p <= 1.0 for p in p_values):
        raise UsageError(f"p-values {list(p_values)!r}, expected numbers from 0 to 1")
