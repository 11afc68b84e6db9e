"""Several comparisons at once: adjusted p-values, and closed testing with e-values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

from meta_experiment.errors import UsageError
from meta_experiment.stats.log_sums import log_add

_SPAN = 600.0  # of logarithms whose numbers stand side by side


def holm(p_values: Sequence[float]) -> list[float]:
    """Return step-down adjusted p-values (Holm 1979); familywise, any dependence.

    Raises:
        UsageError: on what is no p-value.
    """
    if not all(0.0 <= p <= 1.0 for p in p_values):
        raise UsageError(f"p-values {list(p_values)!r}, expected numbers from 0 to 1")
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    left = len(order)
    scaled = (min(1.0, p_values[k] * (left - rank)) for rank, k in enumerate(order))
    adjusted = [0.0] * left
    for index, value in zip(order, accumulate(scaled, max), strict=True):
        adjusted[index] = value
    return adjusted


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
    top, least = max(log_es, default=0.0), min(log_es, default=0.0)
    if top - least < _SPAN:  # as numbers beside the largest; else as logarithms
        beside = [math.exp(value - top) for value in log_es]
        return [
            top + math.log(_smallest_mean(index, order, beside)) for index in range(len(order))
        ]
    adjusted = [0.0] * len(log_es)
    for index in order:
        others = (log_es[other] for other in order if other != index)
        sums = accumulate(others, log_add, initial=log_es[index])
        adjusted[index] = min(total - math.log(size) for size, total in enumerate(sums, 1))
    return adjusted


def _smallest_mean(index: int, order: Sequence[int], values: Sequence[float]) -> float:
    """Return the smallest mean of a value and the smallest others; no larger one lowers it."""
    total, size = values[index], 1
    for other in order:
        if other == index:
            continue
        if values[other] * size >= total:
            break
        total += values[other]
        size += 1
    return total / size
