"""The chance of each arm to be the best by what has closed: what moves the shares of a bandit.

A function of plan and closed trials alone, so that who has the log can work the shares out
again. The chance is no evidence: of two arms that are alike one has .95 sooner or later in most
experiments.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Hashable, Iterable, Iterator, Mapping
from itertools import chain

from meta_experiment.decide.metrics import family_of
from meta_experiment.decide.units import is_closed, mean, reading
from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.moments import Moments
from meta_experiment.types import Direction, Metric, Plan, Scale, Trial

_FEWEST = 2  # values of an arm

ClosedValue = tuple[str, Hashable, float | None]
"""Variant, unit and value of a closed trial; None where it has none that counts."""


def closed_first(trials: Iterable[Trial]) -> list[Trial]:
    """Return the trials that have closed, in the order in which they did."""
    closed = [item for item in trials if is_closed(item) and item.closed_at is not None]
    return sorted(closed, key=lambda item: (item.closed_at or 0.0, item.trial_id))


def closed_values(plan: Plan, closed: Iterable[Trial]) -> Iterator[ClosedValue]:
    """Yield what closed trials show of the primary metric."""
    read = reading(plan.primary)
    for item in closed:
        counts = item.exposed and item.excluded is None
        yield item.variant, item.unit, read(item) if counts else None


def best_chances(
    plan: Plan, values: Iterable[ClosedValue], ended: Container[str]
) -> list[float | None]:
    """Return the chance of each arm that goes on to have the best primary metric.

    None for an arm that cannot be scored: of fewer than two values, or of values that are all
    alike and tell nothing of their spread.
    """
    going = [item.name for item in plan.variants if item.name not in ended]
    arms = _arms(plan, values)
    return list(chances_of(plan.primary, {name: _sums(arms[name]) for name in going}).values())


def chances_of(metric: Metric, sums: Mapping[str, Moments | None]) -> dict[str, float | None]:
    """Return the same of arms by their moments on the metric's scale."""
    family = family_of(metric)
    known = {
        name: found
        for name, found in sums.items()
        if found is not None and found.n >= _FEWEST and (found.m2 > 0 or family.draw_suffices)
    }
    if not known:
        return dict.fromkeys(sums)
    lower = metric.direction is Direction.LOWER
    by_name = dict(zip(known, family.best_of(list(known.values()), lower), strict=True))
    return {name: by_name.get(name) for name in sums}


def _arms(plan: Plan, values: Iterable[ClosedValue]) -> Mapping[str, list[float]]:
    """Return the values of each arm's units, the means of their trials on the metric's scale.

    As in an analysis a unit that was seen in two variants tells of neither.
    """
    metric, log = plan.primary, math.log
    why_not, is_log = family_of(metric).why_not, metric.scale is Scale.LOG
    arms: dict[str, dict[Hashable, list[float]]] = {item.name: {} for item in plan.variants}
    for variant, unit, value in values:
        units = arms.get(variant)
        if units is None:
            continue
        own = units.get(unit)
        if own is None:
            own = units[unit] = []
        if value is not None and why_not(value, metric) is None:
            own.append(log(value) if is_log else value)
    seen = Counter(chain.from_iterable(arms.values()))
    several = len(seen) < sum(map(len, arms.values()))
    torn = {unit for unit, times in seen.items() if times > 1} if several else set()
    return {
        name: [mean(own) for unit, own in units.items() if own and unit not in torn]
        for name, units in arms.items()
    }


def _sums(values: list[float]) -> Moments | None:
    try:
        return Moments.of(values)
    except DegenerateDataError:
        return None
