"""Metrics that are a sum over a sum, such as tokens per tool call."""

from __future__ import annotations

import math
from collections.abc import Sequence

from meta_experiment.errors import DegenerateDataError, UsageError
from meta_experiment.stats.inputs import finite_floats


def linearised(numerators: Sequence[float], denominators: Sequence[float]) -> list[float]:
    """Return what each unit of one arm adds to its ratio of sums, as values of a mean.

    A unit counts as ratio + (numerator - ratio × denominator) / mean denominator, so the mean
    is the ratio of sums and the variance that of the delta method (Deng, Knoblich and Lu
    2018, KDD).

    Raises:
        DegenerateDataError: on NaN, without units, or when the denominators sum to zero.
        UsageError: when there is not one denominator per numerator.
    """
    if len(numerators) != len(denominators):
        raise UsageError(
            f"{len(numerators)} numerators and {len(denominators)} denominators, expected one "
            "of each per unit"
        )
    tops, bottoms = finite_floats(numerators), finite_floats(denominators)
    whole = math.fsum(bottoms)
    if whole == 0.0:
        raise DegenerateDataError("the denominators sum to zero, expected some that count")
    ratio, mean = math.fsum(tops) / whole, whole / len(bottoms)
    return [
        ratio + (top - ratio * bottom) / mean for top, bottom in zip(tops, bottoms, strict=True)
    ]
