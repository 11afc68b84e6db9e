"""Explanation of a decision, or of why there is none yet."""

from __future__ import annotations

from dataclasses import field

from meta_experiment.records import dataclass
from meta_experiment.types.field_marks import MOMENT
from meta_experiment.types.standings import RampStanding
from meta_experiment.types.vocabulary import Decision, ReasonCode, Status


@dataclass(frozen=True, slots=True)
class Explanation:
    """Sentence on where an experiment stands; `notes` say which logs do not count.

    The dates and the `ramp` are of one that runs and has them.

    `decision` is the one that was carried out once an experiment has ended: none where a
    person did something else.
    """

    experiment_id: str
    status: Status
    decision: Decision | None
    reason_code: ReasonCode | None
    explanation: str
    notes: tuple[str, ...] = ()
    start_date: float | None = field(default=None, metadata=MOMENT)
    end_date: float | None = field(default=None, metadata=MOMENT)
    ramp: RampStanding | None = None
