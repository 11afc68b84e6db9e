"""How collected sums came in: what was known after each day, and the units of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from meta_experiment.decide.basis import Basis
from meta_experiment.decide.collected import CollectedSums
from meta_experiment.decide.collected_basis import basis_of_sums
from meta_experiment.decide.reporting.looks import PastLook, counts
from meta_experiment.decide.reporting.series import series
from meta_experiment.types import Plan
from meta_experiment.types.results.report import Arrivals, EvidenceSeries

_DAY = 86_400.0


def series_of_sums(basis: Basis, collected: CollectedSums) -> tuple[EvidenceSeries, ...]:
    """Weigh each treatment after each day that was collected."""
    return series(basis, day_looks(basis.plan, collected, basis.as_of))


def day_looks(plan: Plan, collected: CollectedSums, as_of: float) -> Iterator[PastLook]:
    """Yield what was known of the primary metric after each day; of many days after fewer."""
    days = sorted({day.day for day in collected.days if day.day is not None})
    for count in counts(len(days)):
        last = days[count - 1]
        known = tuple(day for day in collected.days if day.day is not None and day.day <= last)
        samples = basis_of_sums(plan, replace(collected, days=known), as_of).samples
        pairs = {
            item.name: samples.compared(item.name, plan.primary) for item in plan.treatments
        }
        yield PastLook((last + 1) * _DAY, pairs, len(days))


def day_arrivals(collected: CollectedSums, arms: Iterable[str]) -> Arrivals:
    """Count the units of every arm by the days on which they were first exposed."""
    found = {(day.variant, day.day): day.units + day.tainted for day in collected.days}
    days = [day for _, day in found if day is not None]
    if not days:
        return Arrivals(None, _DAY, dict.fromkeys(arms, ()))
    every = range(min(days), max(days) + 1)
    return Arrivals(
        every.start * _DAY,
        _DAY,
        {arm: tuple(found.get((arm, day), 0) for day in every) for arm in arms},
    )
