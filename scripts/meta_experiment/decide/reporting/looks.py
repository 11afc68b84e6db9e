"""What was known at each of a number of looks: the units that had closed until then."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.samples import Samples
from meta_experiment.errors import DegenerateDataError
from meta_experiment.records import dataclass
from meta_experiment.stats.moments import Moments
from meta_experiment.types import Plan, Unit

EVERY = 30  # of the first looks; later ones lie ever farther apart
MOST = 60

Pair = tuple[Sample, Sample]


@dataclass(frozen=True, slots=True)
class PastLook:
    """What was known at a moment: by treatment, what of the control and of it is compared.

    `at` is None where nobody knows when the units closed. `of` so many looks that there were.
    """

    at: float | None
    pairs: Mapping[str, Pair]
    of: int


class _ClosedUnits(Sample):
    """The units of a sample that had closed at a look, of which sums are known already.

    They are picked when somebody asks for more.
    """

    def __init__(self, whole: Sample, places: Sequence[int], moments: Moments) -> None:
        self._whole = whole
        self._places = places
        self.skipped = {}
        self.moments = moments
        self.centre = moments.mean

    def __len__(self) -> int:
        return len(self._places)

    @cached_property
    def _picked(self) -> Sample:
        return self._whole.picked(sorted(self._places))

    values = property(lambda self: self._picked.values)
    raw = property(lambda self: self._picked.raw)
    units = property(lambda self: self._picked.units)
    order = property(lambda self: self._picked.order)
    covariates = property(lambda self: self._whole.covariates and self._picked.covariates)
    drawn = property(lambda self: self._picked.drawn)


class _Closing:
    """A sample whose units close one after the other."""

    def __init__(self, sample: Sample, moments: Sequence[float]) -> None:
        self.sample = sample
        self.places = sorted(range(len(moments)), key=moments.__getitem__)
        self.moments = [moments[place] for place in self.places]
        self._summed, self._known = 0, Moments(0, math.nan, 0.0)

    def until(self, moment: float) -> Sample:
        """Return what had closed by a moment; moments rise from call to call."""
        count = bisect_right(self.moments, moment)
        if count == len(self.places):
            return self.sample
        places = self.places[:count]
        known = self._moments(count) if type(self.sample) is Sample else None
        if known is None:
            return self.sample.picked(sorted(places))
        return _ClosedUnits(self.sample, places, known)

    def _moments(self, count: int) -> Moments | None:
        """Add what has closed since the look before; None where sums tell nothing."""
        values = self.sample.values
        try:
            new = Moments.of(values[place] for place in self.places[self._summed : count])
        except DegenerateDataError:
            return None
        self._known, self._summed = self._known.merge(new), count
        return self._known


def past_looks(plan: Plan, samples: Samples) -> Iterator[PastLook]:
    """Yield what was known of the primary metric, look by look; the last one is all of it.

    Every unit is looked at up to a number of them, then ever fewer. Those that closed at one
    moment, or are open, or have no time, are looked at together.
    """
    closed = {
        name: {unit.unit: _moment(unit.closed) for unit in arm.units}
        for name, arm in samples.arms.items()
    }
    growing: dict[str, tuple[_Closing, _Closing]] = {}
    for treatment in plan.treatments:
        pair = samples.compared(treatment.name, plan.primary)
        if not all(arm.has_values for arm in pair):
            return
        named = zip((plan.control.name, treatment.name), pair, strict=True)
        times = [
            [closed[name].get(unit, math.inf) for unit in arm.units] for name, arm in named
        ]
        if plan.unit is Unit.CASE:
            times = [[*map(max, *times)]] * 2
        growing[treatment.name] = (_Closing(pair[0], times[0]), _Closing(pair[1], times[1]))
    moments, total = _moments(plan, growing)
    for moment in moments:
        yield PastLook(
            None if moment == math.inf else moment,
            {
                name: (control.until(moment), treated.until(moment))
                for name, (control, treated) in growing.items()
            },
            total,
        )


def _moment(closed: float | None) -> float:
    return math.inf if closed is None else closed


def _moments(
    plan: Plan, growing: Mapping[str, tuple[_Closing, _Closing]]
) -> tuple[list[float], int]:
    """Choose the moments of the looks, rising, and say of how many."""
    moments: list[float] = []
    for place, (control, treated) in enumerate(growing.values()):
        if plan.unit is not Unit.CASE and not place:
            moments += control.moments
        moments += treated.moments
    moments.sort()
    chosen = sorted({moments[count - 1] for count in counts(len(moments))})
    return chosen, len(set(moments))


def counts(units: int, every: int = EVERY, most: int = MOST) -> list[int]:
    """Return after how many units one looks: each of the first, then at growing distances."""
    if units <= every:
        return list(range(1, units + 1))
    steps = most - every
    ratio = (units / every) ** (1 / steps)
    later = {min(units, round(every * ratio**step)) for step in range(1, steps + 1)}
    return sorted({*range(1, every + 1), *later, units})
