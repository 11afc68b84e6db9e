"""Trials as units: who was assigned, who received the variant, and what was measured on each.

Turns of one session are not independent, so that a unit enters an analysis with one value:
the mean of its trials on the metric's scale.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import field, replace

from meta_experiment.decide.order import OrderedTotals
from meta_experiment.records import dataclass
from meta_experiment.types import (
    Direction,
    Draw,
    Metric,
    MetricKind,
    Plan,
    Scale,
    Trial,
    TrialStatus,
    Unit,
)
from meta_experiment.types.trial import NOT_DRAWN

ERROR_RATE = Metric("error_rate", MetricKind.PROPORTION, Direction.LOWER, Scale.RAW)
CUT_SHORT = frozenset({TrialStatus.INTERRUPTED, TrialStatus.TIMEOUT})
ABANDONED_AFTER = 24 * 3600.0  # seconds; a trial ends after 30 idle minutes at the latest

TWO_VARIANTS = "unit_in_two_variants"
_UNKNOWN = (-1, -math.inf)


@dataclass(frozen=True, slots=True)
class UnitRecord:
    """Unit in one arm with its trials that count; none of them while it is not exposed.

    `order` is its place (see `places`). `excluded` is how many of its trials were left out one
    by one. Being seen in two variants is not among them: that befalls both arms alike.
    `history` are all of its trials in the arm.
    """

    unit: str
    order: int
    exposed: bool
    trials: tuple[Trial, ...]
    excluded: int = 0
    history: tuple[Trial, ...] = ()

    @property
    def began(self) -> float | None:
        """When the first of its trials was assigned; None where that is not known."""
        if len(self.history) == 1:
            return self.history[0].assigned_at
        times = [trial.assigned_at for trial in self.history if trial.assigned_at is not None]
        return min(times, default=None)

    @property
    def closed(self) -> float | None:
        """When the last of its trials closed; None while one is open."""
        if len(self.history) == 1:
            return self.history[0].closed_at
        times = [trial.closed_at for trial in self.history if trial.closed_at is not None]
        return max(times) if times and len(times) == len(self.history) else None

    @property
    def draw(self) -> Draw | None:
        """By what a bandit drew it; None where none did."""
        for item in self.history:
            if item.draw is not None:
                return item.draw
        return None

    @property
    def covariates(self) -> Mapping[str, float]:
        """What its first trial brought along; the arm may have moved what came later."""
        if len(self.history) < 2:
            return self.history[0].covariates if self.history else {}
        return min(self.history, key=_earliness).covariates


@dataclass(frozen=True, slots=True)
class Arm:
    """The units of one variant by their places, and why trials were left out.

    `counted` more units are known by their number alone, all of them exposed; `missing` says
    by metric how many of these there are at each place and how many of them have no value,
    `by_day` how many came on each day. `tainted` of the exposed were seen in another arm too.
    """

    variant: str
    units: tuple[UnitRecord, ...]
    exclusions: Mapping[str, int]
    counted: int = 0
    missing: Mapping[str, OrderedTotals] = field(default_factory=dict)
    by_day: Mapping[int, int] = field(default_factory=dict)
    tainted: int = 0

    @property
    def assigned(self) -> int:
        """How many units were to receive the variant."""
        return len(self.units) + self.counted

    @property
    def exposed(self) -> int:
        """How many units really received their variant."""
        return sum(unit.exposed for unit in self.units) + self.counted

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
    for unit, order in places(units).items():
        group = units[unit]
        kept = [trial for trial in group if trial.exposed and trial.excluded is None]
        reasons = []
        if len(kept) < len(group):
            reasons = [item.excluded for item in group if item.excluded is not None]
            exclusions.update(reasons)
            reasons = [item for item in reasons if item not in NOT_DRAWN]
        if unit in tainted:
            exclusions[TWO_VARIANTS] += len(kept)
            kept, reasons = [], []
        exposed = bool(kept) or any(trial.exposed for trial in group)
        counted = tuple(kept)
        history = counted if len(counted) == len(group) else tuple(group)
        records.append(UnitRecord(unit, order, exposed, counted, len(reasons), history))
    both = sum(record.exposed and record.unit in tainted for record in records)
    return Arm(variant, tuple(records), dict(sorted(exclusions.items())), tainted=both)


def places(units: Mapping[str, Sequence[Trial]]) -> dict[str, int]:
    """Return the places of an arm's units, rising: the order of assignment, where it is known.

    Neighbours in it that began at one moment share a place, and so do all that do not say when
    they began, before the others.
    """
    begun = sorted((*_beginning(group), unit) for unit, group in units.items())
    found, place, moment = {}, 0, None
    for order, at, unit in begun:
        if at != moment:
            place, moment = order, at
        found[unit] = place
    return found


def _beginning(trials: Sequence[Trial]) -> tuple[int, float]:
    if len(trials) == 1 and trials[0].assigned_at is not None:
        return trials[0].order, trials[0].assigned_at
    known = [(item.order, item.assigned_at) for item in trials if item.assigned_at is not None]
    return min(known, default=_UNKNOWN)


def _earliness(trial: Trial) -> tuple[float, str]:
    return -math.inf if trial.assigned_at is None else trial.assigned_at, trial.trial_id


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


def reading(metric: Metric) -> Callable[[Trial], float | None]:
    """Return what reads the value of a metric from trials; None is missing, never zero.

    Of a ratio it is the numerator, where the trial has both parts.
    """
    first, *others = map(recording, metric.recorded)
    if not others:
        return first
    return lambda trial: None if None in [read(trial) for read in others] else first(trial)


def recording(name: str) -> Callable[[Trial], float | None]:
    """Return what reads from trials what they have under the name of a metric.

    A trial that ended well or in an error has an error rate of 0 or 1 without recording it.
    """
    if name == ERROR_RATE.name:
        return _error_rate
    return lambda trial: trial.metrics.get(name)


def _error_rate(trial: Trial) -> float | None:
    value = trial.metrics.get(ERROR_RATE.name)
    if value is None and trial.status in (TrialStatus.OK, TrialStatus.ERROR):
        return float(trial.status is TrialStatus.ERROR)
    return value


def mean(values: Sequence[float]) -> float:
    """Return the arithmetic mean, correctly rounded."""
    return values[0] if len(values) == 1 else math.fsum(values) / len(values)
