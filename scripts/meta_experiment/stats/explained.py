"""Part of a variance that is explained by what was known before."""

from __future__ import annotations

import math
from collections.abc import Sequence

_ROUNDING = 1e-12  # of a column's own size: less of it left is nothing new


def explained(values: Sequence[float], columns: Sequence[Sequence[float]]) -> float:
    """Return R² of the least squares of the values on columns, adjusted for their number.

    By Gram and Schmidt: each column without what those before it explain. Columns that tell
    nothing new are left out. Not below zero, and zero where there are too few values to tell
    (Theil 1961, Economic Forecasts and Policy, for the adjustment).
    """
    n = len(values)
    rest = _centred(values)
    total = math.fsum(value * value for value in rest)
    known: list[list[float]] = []
    for column in columns:
        own = _centred(column)
        size = math.fsum(value * value for value in own)
        for earlier in known:
            own = _without(own, earlier)
        if math.fsum(value * value for value in own) > _ROUNDING * size:
            known.append(own)
            rest = _without(rest, own)
    df = n - 1 - len(known)
    if total == 0 or df < 1:
        return 0.0
    left = math.fsum(value * value for value in rest) / total
    return max(0.0, 1.0 - left * (n - 1) / df)


def _centred(values: Sequence[float]) -> list[float]:
    mean = math.fsum(values) / len(values) if values else 0.0
    return [value - mean for value in values]


def _without(values: Sequence[float], column: Sequence[float]) -> list[float]:
    """Return the values without their projection on a column."""
    share = math.fsum(a * b for a, b in zip(values, column, strict=True)) / math.fsum(
        b * b for b in column
    )
    return [a - share * b for a, b in zip(values, column, strict=True)]
