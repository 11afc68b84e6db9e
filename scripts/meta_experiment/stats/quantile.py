"""Quantile of a sample."""

from __future__ import annotations

from collections.abc import Sequence

from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.inputs import finite_floats


def sample_quantile(values: Sequence[float], q: float) -> float:
    """Return the quantile by linear interpolation (type 7 of Hyndman and Fan 1996).

    Raises:
        DegenerateDataError: without values, or on NaN.
    """
    ordered = sorted(finite_floats(values))
    if not ordered:
        raise DegenerateDataError("there are no values, expected at least one")
    return quantile_of_ordered(ordered, q)


def quantile_of_ordered(ordered: Sequence[float], q: float) -> float:
    """Return the same of finite values that stand in their order, one or more."""
    position = q * (len(ordered) - 1)
    index = min(int(position), len(ordered) - 1)
    after = min(index + 1, len(ordered) - 1)
    return ordered[index] + (position - index) * (ordered[after] - ordered[index])
