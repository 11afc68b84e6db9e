"""Answer of `holdout`: what a promotion is worth afterwards, and what it takes to know."""

from __future__ import annotations

from dataclasses import field

from meta_experiment.records import dataclass
from meta_experiment.types.analysis import Interval
from meta_experiment.types.field_marks import MOMENT
from meta_experiment.types.standings import HoldoutStanding
from meta_experiment.types.vocabulary import Decision, ReasonCode, Status, Unit


@dataclass(frozen=True, slots=True)
class HoldoutProspect:
    """Uses after which an answer is there in half of holdouts; None is more than is told.

    `still_better` if the effect stays as it was measured, `reversed` if it turns into its
    opposite, `decayed` if it is gone.
    """

    still_better: int | None
    reversed: int | None
    decayed: int | None


@dataclass(frozen=True, slots=True)
class HoldoutView:
    """View of a holdout as it was after so many days; no look more.

    `effect` is that of the promoted text against the one before, a fraction, positive for
    better.
    """

    name: str
    days: int
    standing: HoldoutStanding
    effect: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class HoldoutAnswer:
    """A holdout as it stands; without an `experiment_id` it would be launched so.

    `of` is the promoted experiment, `share` what keeps the text before, and `unit` what is
    drawn. `uses_per_day` and `prospect` were told from the promoted experiment, at the launch
    alone. The effect is that of the promoted text, on all units since the launch.
    """

    experiment_id: str | None
    of: str
    status: Status | None
    share: float
    unit: Unit
    launched: float | None = field(metadata=MOMENT)
    last_day: float | None = field(metadata=MOMENT)
    decayed_below: float
    auto: bool
    decision: Decision | None
    reason_code: ReasonCode | None
    sentence: str
    standing: HoldoutStanding | None = None
    effect: float | None = None
    interval: Interval | None = None
    views: tuple[HoldoutView, ...] = ()
    uses_per_day: float | None = None
    prospect: HoldoutProspect | None = None
    notes: tuple[str, ...] = ()
