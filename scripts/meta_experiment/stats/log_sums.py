"""Sums of numbers that are known by their logarithms, which need not fit a float."""

from __future__ import annotations

import math
from collections.abc import Sequence


def log_sum_exp(logs: Sequence[float]) -> float:
    """Return the logarithm of the sum of the exponentials of finite numbers, one or more."""
    top = max(logs)
    return top + math.log(math.fsum(math.exp(value - top) for value in logs))


def log_add(a: float, b: float) -> float:
    """Return the same of two numbers, which may be infinite."""
    top, low = max(a, b), min(a, b)
    return top if math.isinf(top) or low == -math.inf else top + math.log1p(math.exp(low - top))
