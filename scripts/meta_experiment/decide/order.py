"""What came first, where that is known: units that began at one moment share a place.

Rows of an import and trials that were recorded at once are such units, as are all without a
time. Whoever wrote them down chose their order, perhaps after looking at the values, so that
nothing may depend on it.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence

from meta_experiment.records import dataclass

Moment = float | None
"""When units began, in any unit of time; None where that is not known."""
Totals = tuple[int, float]
"""Units, and what they sum to."""


def total_of_first(values: Sequence[float], order: Sequence[int], count: int) -> float:
    """Sum the first so many values; of a place that this divides, each counts as their mean.

    An e-value that is convex in the sum is at that mean no larger than on average over all
    orders of these units, each of which it would be valid for (Jensen's inequality); so it
    stays valid, at every look.

    Args:
        values: one per unit.
        order: the places of the units, rising.
        count: at most as many as there are values.
    """
    if not is_divided(order, count):
        return math.fsum(values[:count])
    start, end = bisect_left(order, order[count]), bisect_right(order, order[count])
    mean = math.fsum(values[start:end]) / (end - start)
    return math.fsum(values[:start]) + (count - start) * mean


def totals_by_moment(began: Sequence[Moment], values: Sequence[float]) -> dict[Moment, Totals]:
    """Return how many values belong to each moment, and their sum."""
    found = dict[Moment, list[float]]()
    for at, value in zip(began, values, strict=True):
        found.setdefault(at, []).append(value)
    return {at: (len(own), math.fsum(own)) for at, own in found.items()}


def is_divided(order: Sequence[int], count: int) -> bool:
    """Say whether the first so many and the rest part units of one place."""
    return 0 < count < len(order) and order[count - 1] == order[count]


def first_units(order: Mapping[str, int], count: int) -> list[str]:
    """Return the first so many units, one or more, with all that share the last one's place."""
    ranked = sorted(order, key=order.__getitem__)
    last = order[ranked[count - 1]]
    return [unit for unit in ranked if order[unit] <= last]


@dataclass(frozen=True, slots=True)
class OrderedTotals:
    """Values of which only sums are known: units and total of each place, in their order.

    `moments` has for each when it was, where arms are to be held against each other there.
    """

    groups: tuple[Totals, ...]
    moments: tuple[Moment, ...] = ()

    @property
    def units(self) -> int:
        """How many values there are."""
        return sum(units for units, _ in self.groups)

    @property
    def total(self) -> float:
        """Their sum."""
        return math.fsum(total for _, total in self.groups)

    @property
    def by_moment(self) -> dict[Moment, Totals] | None:
        """Units and total by when they began; None where that is not told."""
        if len(self.moments) < len(self.groups):
            return None
        return dict(zip(self.moments, self.groups, strict=True))

    def total_of_first(self, count: int) -> float:
        """Sum the first so many, as the function of that name does."""
        parts = list[float]()
        for units, total in self.groups:
            taken = min(units, count)
            parts.append(total if taken == units else taken * (total / units))
            count -= taken
        return math.fsum(parts)
