"""What would decide a plan sooner, in one sentence with figures from the past."""

from __future__ import annotations

import math
from collections.abc import Sequence

from meta_experiment.decide.horizon import in_days
from meta_experiment.decide.telling.outlook import per_arm_a_day, smallest_improvement
from meta_experiment.records import dataclass
from meta_experiment.types import Plan, Scale
from meta_experiment.types.results.forecast import Spread

WORTH = 0.8  # of the days: what shortens by less is not worth a word
_FROM = 200  # units at which the search begins
_MOST_UNITS = 2_000
_MOST_WAYS = 4


@dataclass(frozen=True, slots=True)
class Way:
    """A way to a decision: how it is asked for, and the days that it takes."""

    words: str
    days: float


def units_to_find(plan: Plan, spread: Spread, improvement: float) -> float | None:
    """Return the units per arm at which the plan mostly finds an improvement, roughly.

    Improvements shrink as one over the root of the units; the second step starts where the
    first one ended, so that little is left of what else there is. None where none are enough.
    """
    units = float(max(_FROM, plan.sample_size))
    wanted = _size(plan, improvement)
    for _ in range(2):
        found = smallest_improvement(plan, spread, min(_MOST_UNITS, math.ceil(units)))
        if found is None or wanted <= 0:
            return None
        units = min(_MOST_UNITS, math.ceil(units)) * (_size(plan, found) / wanted) ** 2
        units = max(units, plan.sample_size)
    return units


def days_to_find(
    plan: Plan, spread: Spread, improvement: float, units_per_day: float, explained: float = 0.0
) -> float | None:
    """Return how long that takes where covariates explain such a part of the variance."""
    units = units_to_find(plan, spread, improvement)
    if units is None:
        return None
    fewer = max(float(plan.sample_size), units * (1.0 - explained))
    return fewer / per_arm_a_day(plan, units_per_day)


def sooner(plan: Plan, improvement: float, days: float, ways: Sequence[Way]) -> str | None:
    """Say which ways are worth taking; None where none is, and the plan is long enough.

    Where its days are too few, it is said how many it takes, and how many runs offline would
    tell the same at once.
    """
    quick = sorted((way for way in ways if way.days <= WORTH * days), key=lambda way: way.days)[
        :_MOST_WAYS
    ]
    found = [f"{way.words} ({in_days(way.days)} days)" for way in quick]
    limit = plan.max_duration_days
    if all(way.days > limit for way in quick) and days > limit:
        found.append(f"--max-duration-days {math.ceil(days)}, to decide it at all")
        found.append("a screen of both texts offline first, whose results `import` reads")
    if not found:
        return None
    return (
        f"At this rate it takes some {in_days(days)} days to find an improvement of "
        f"{improvement:.0%} in 80% of runs; sooner or more surely would be: {'; '.join(found)}."
    )


def _size(plan: Plan, improvement: float) -> float:
    """Return an improvement on the scale on which it shrinks with the units."""
    if plan.primary.scale is Scale.RAW:
        return improvement
    return abs(math.log1p(-improvement)) if improvement < 1 else math.inf
