"""Several comparisons at once: adjusted p-values, and closed testing with e-values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate

from meta_experiment.errors import UsageError
from meta_experiment.stats.log_sums import log_add


def bonferroni(p_values: Sequence[float]) -> list[float]:
    """Return p-values times their number (Bonferroni 1936); familywise."""
    _require_p_values(p_values)
    return [min(1.0, p * len(p_values)) for p in p_values]


def holm(p_values: Sequence[float]) -> list[float]:
    """Return step-down adjusted p-values (Holm 1979); familywise, any dependence."""
    return _step_down(p_values, lambda rank, count: count - rank)


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


def closed_average(log_es: Sequence[float]) -> list[float]:
    """Return log e-values adjusted by closed testing with averages.

    The adjusted e-value of k is the smallest mean over all sets of comparisons that hold k;
    promoting at 1/α keeps the familywise error at α, under any dependence and at every look
    (Vovk and Wang 2021, Ann. Statist. 49(3)). The worst set of each size joins k with the
    smallest of the others, so sorting suffices.

    Raises:
        UsageError: on NaN.
    """
    if any(math.isnan(value) for value in log_es):
        raise UsageError("a log e-value is NaN, expected numbers or ±inf")
    order = sorted(range(len(log_es)), key=log_es.__getitem__)
    adjusted = [0.0] * len(log_es)
    for index in order:
        others = (log_es[other] for other in order if other != index)
        sums = accumulate(others, log_add, initial=log_es[index])
        adjusted[index] = min(total - math.log(size) for size, total in enumerate(sums, 1))
    return adjusted


def _step_down(p_values: Sequence[float], factor: Callable[[int, int], float]) -> list[float]:
    order = _ascending(p_values)
    scaled = [min(1.0, p_values[k] * factor(r, len(order))) for r, k in enumerate(order)]
    return _in_place(order, list(accumulate(scaled, max)))


def _step_up(p_values: Sequence[float], factor: Callable[[int, int], float]) -> list[float]:
    order = _ascending(p_values)
    scaled = [min(1.0, p_values[k] * factor(r, len(order))) for r, k in enumerate(order)]
    return _in_place(order, list(accumulate(reversed(scaled), min))[::-1])


def _ascending(p_values: Sequence[float]) -> list[int]:
    _require_p_values(p_values)
    return sorted(range(len(p_values)), key=p_values.__getitem__)


def _in_place(order: Sequence[int], values: Sequence[float]) -> list[float]:
    result = [0.0] * len(order)
    for index, value in zip(order, values, strict=True):
        result[index] = value
    return result


def _require_p_values(p_values: Sequence[float]) -> None:
    if not all(0.0 <= p <= 1.0 for p in p_values):
        raise UsageError(f"p-values {list(p_values)!r}, expected numbers from 0 to 1")
