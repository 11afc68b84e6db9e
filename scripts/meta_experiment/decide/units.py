"""Trials as units: who was assigned, who received the variant, and what was measured on each.

Turns of one session are not independent, so that a unit enters an analysis with one value:
the mean of its trials on the metric's scale.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cached_property
from operator import attrgetter

from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.moments import Moments
from meta_experiment.types import (
    Direction,
    Metric,
    MetricKind,
    Plan,
    Scale,
    Trial,
    TrialStatus,
    Unit,
)

ERROR_RATE = Metric("error_rate", MetricKind.PROPORTION, Direction.LOWER, Scale.RAW)
CUT_SHORT = frozenset({TrialStatus.INTERRUPTED, TrialStatus.TIMEOUT})
ABANDONED_AFTER = 24 * 3600.0  # seconds; a trial ends after 30 idle minutes at the latest

TWO_VARIANTS = "unit_in_two_variants"
NOT_FINITE = "not_finite"
_LARGEST = 1e75  # the square of a ratio of two such numbers is still a number
NOT_POSITIVE = "not_positive"
NOT_BINARY = "not_binary"


@dataclass(frozen=True, slots=True)
class UnitRecord:
    """One unit in one arm with its trials that count; none of them while it is not exposed.

    `excluded` is how many of its trials were left out one by one. Being seen in two variants
    is not among them: that befalls both arms alike.
    """

    unit: str
    order: int
    exposed: bool
    trials: tuple[Trial, ...]
    excluded: int = 0


@dataclass(frozen=True, slots=True)
class Arm:
    """The units of one variant in assignment order, and why trials were left out."""

    variant: str
    units: tuple[UnitRecord, ...]
    exclusions: Mapping[str, int]

    @property
    def exposed(self) -> int:
        """How many units really received their variant."""
        return sum(unit.exposed for unit in self.units)

    @property
    def trials(self) -> Iterator[Trial]:
        """All trials that count."""
        return (trial for unit in self.units for trial in unit.trials)

    def having(self, key: str, value: str) -> Arm:
        """Return the arm with those trials alone whose fingerprint has that value."""
        return replace(
            self,
            units=tuple(
                replace(
                    unit,
                    trials=tuple(
                        item for item in unit.trials if item.fingerprint.get(key) == value
                    ),
                )
                for unit in self.units
            ),
        )


@dataclass(frozen=True)
class Sample:
    """One value per unit that has one, in assignment order.

    `values` are on the metric's scale (natural logarithms for the log scale), `raw` in its
    unit. `skipped` counts by reason the trials whose value cannot stand on that scale.
    `units` are the keys of the units, one per value.
    """

    values: tuple[float, ...]
    raw: tuple[float, ...]
    skipped: Mapping[str, int]
    units: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def moments(self) -> Moments:
        """The moments of the values on the metric's scale.

        Raises:
            DegenerateDataError: there are none, or they are too large to square.
        """
        if not self.values:
            raise DegenerateDataError("an arm has no values yet")
        return Moments.of(self.values)

    def picked(self, places: Sequence[int]) -> Sample:
        """Return the sample of the units at these places, in their order."""
        return replace(
            self,
            values=tuple(self.values[place] for place in places),
            raw=tuple(self.raw[place] for place in places),
            units=tuple(self.units[place] for place in places),
        )


def as_they_are(control: Sample, treatment: Sample) -> tuple[Sample, Sample]:
    """Return two samples whose units have nothing to do with each other: all are compared."""
    return control, treatment


def arms_of(plan: Plan, trials: Iterable[Trial]) -> dict[str, Arm]:
    """Group trials by variant and unit.

    A unit that was seen in two variants tells nothing of either (the first taints the
    second), unless the unit is an eval case, which runs in every arm by design. Trials of
    variants that the plan does not name are left out.
    """
    groups: dict[str, dict[str, list[Trial]]] = {item.name: {} for item in plan.variants}
    homes: dict[str, str] = {}
    tainted = set()
    for trial in trials:
        units = groups.get(trial.variant)
        if units is not None:
            units.setdefault(trial.unit, []).append(trial)
            if homes.setdefault(trial.unit, trial.variant) != trial.variant:
                tainted.add(trial.unit)
    if plan.unit is Unit.CASE:
        tainted.clear()
    return {name: _arm(name, units, tainted) for name, units in groups.items()}


def _arm(variant: str, units: Mapping[str, Sequence[Trial]], tainted: AbstractSet[str]) -> Arm:
    exclusions: Counter[str] = Counter()
    records = []
    for unit, group in units.items():
        kept = [trial for trial in group if trial.exposed and trial.excluded is None]
        reasons = []
        if len(kept) < len(group):
            reasons = [item.excluded for item in group if item.excluded is not None]
            exclusions.update(reasons)
        if unit in tainted:
            exclusions[TWO_VARIANTS] += len(kept)
            kept, reasons = [], []
        order = min([trial.order for trial in group])
        exposed = bool(kept) or any(trial.exposed for trial in group)
        records.append(UnitRecord(unit, order, exposed, tuple(kept), len(reasons)))
    records.sort(key=attrgetter("order"))
    return Arm(variant, tuple(records), dict(exclusions))


def is_closed(trial: Trial) -> bool:
    """Say whether a trial has ended; what ends it gives a status, what rates it does not."""
    return trial.status is not None


def given_up_at(trial: Trial) -> float:
    """Return when a trial is given up if it is open until then; never if it has no time."""
    return math.inf if trial.assigned_at is None else trial.assigned_at + ABANDONED_AFTER


def is_abandoned(trial: Trial, as_of: float) -> bool:
    """Say whether a trial is open so long after its assignment that it never will close."""
    return not is_closed(trial) and given_up_at(trial) <= as_of


def was_cut_short(trial: Trial) -> bool:
    """Say whether a trial was interrupted or timed out, so that its values are only so far."""
    return trial.status in CUT_SHORT


def measured(trial: Trial, metric: Metric) -> float | None:
    """Return a trial's value of a metric; None is missing, which is never zero.

    A trial that ended well or in an error has an error rate of 0 or 1 without recording it.
    """
    value = trial.metrics.get(metric.name)
    if value is not None or metric.name != ERROR_RATE.name:
        return value
    if trial.status in (TrialStatus.OK, TrialStatus.ERROR):
        return float(trial.status is TrialStatus.ERROR)
    return None


def sample_of(arm: Arm, metric: Metric, *, stretch: float = 1.0) -> Sample:
    """Return one value per unit of an arm.

    A trial that was cut short enters with its value so far, times `stretch`, where lower is
    better and more was to come; dropping it would reward slow variants.
    """
    raw: list[float] = []
    values: list[float] = []
    units: list[str] = []
    skipped: Counter[str] = Counter()
    log = metric.scale is Scale.LOG
    stretching = stretch != 1.0 and grows(metric)
    for unit in arm.units:
        own = []
        for trial in unit.trials:
            value = measured(trial, metric)
            if value is None:
                continue
            reason = _unusable(value, metric)
            if reason is not None:
                skipped[reason] += 1
                continue
            own.append(value * stretch if stretching and was_cut_short(trial) else value)
        if own:
            units.append(unit.unit)
            raw.append(mean(own))
            values.append(mean([math.log(value) for value in own]) if log else raw[-1])
    return Sample(tuple(values), tuple(raw), dict(skipped), tuple(units))


def grows(metric: Metric) -> bool:
    """Say whether a metric's value so far is flattering: time, tokens, cost and counts."""
    return metric.direction is Direction.LOWER and metric.kind is not MetricKind.PROPORTION


def _unusable(value: float, metric: Metric) -> str | None:
    if not (value == 0 or 1 / _LARGEST < abs(value) < _LARGEST):
        return NOT_FINITE
    if metric.kind is MetricKind.PROPORTION and value not in (0, 1):
        return NOT_BINARY
    if metric.scale is Scale.LOG and value <= 0:
        return NOT_POSITIVE
    return None


def mean(values: Sequence[float]) -> float:
    """Return the arithmetic mean, correctly rounded."""
    return values[0] if len(values) == 1 else math.fsum(values) / len(values)


Match = Callable[[Sample, Sample], tuple[Sample, Sample]]


class Samples:
    """The samples of all arms, control first, each computed once."""

    def __init__(self, arms: Mapping[str, Arm], match: Match = as_they_are) -> None:
        """Hold the arms, and which units of two are compared; nothing is computed yet."""
        self.arms = arms
        self.match = match
        self._known: dict[tuple[str, Metric, float], Sample] = {}
        self._matched: dict[tuple[str, Metric, float], tuple[Sample, Sample]] = {}

    def of(self, variant: str, metric: Metric, stretch: float = 1.0) -> Sample:
        """Return one arm's sample of a metric (see `sample_of`)."""
        key = (variant, metric, stretch)
        if key not in self._known:
            self._known[key] = sample_of(self.arms[variant], metric, stretch=stretch)
        return self._known[key]

    def compared(
        self, treatment: str, metric: Metric, stretch: float = 1.0
    ) -> tuple[Sample, Sample]:
        """Return what of the control's sample and of a treatment's is compared."""
        key = (treatment, metric, stretch)
        if key not in self._matched:
            control = next(iter(self.arms))
            self._matched[key] = self.match(
                self.of(control, metric, stretch), self.of(treatment, metric, stretch)
            )
        return self._matched[key]
