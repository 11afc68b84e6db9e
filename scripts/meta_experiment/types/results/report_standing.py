"""Where an experiment stands: what was done with it, what is ahead, and what ended an arm."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from meta_experiment.records import dataclass
from meta_experiment.types.analysis import Obstacle
from meta_experiment.types.field_marks import MOMENT
from meta_experiment.types.vocabulary import Decision, ReasonCode, Status


class StandingState(StrEnum):
    """State of what an experiment was about: open, or what was done last, put away or not.

    `taken_back` is a promotion that was undone, `rolled_back` an end for the control before
    one, `expired` an end without a decision by the evidence, `stopped` one by hand, `dropped`
    one before it began.
    """

    RUNNING = "running"
    PAUSED = "paused"
    DRAFT = "draft"
    PROMOTED = "promoted"
    TAKEN_BACK = "taken_back"
    ROLLED_BACK = "rolled_back"
    EXPIRED = "expired"
    STOPPED = "stopped"
    DROPPED = "dropped"


class StandingCause(StrEnum):
    """Cause of what was done: the evidence, proven harm or an acting alert, or a person."""

    EVIDENCE = "evidence"
    SAFETY = "safety"
    OVERRIDE = "override"
    HAND = "hand"


@dataclass(frozen=True, slots=True)
class WatchFinding:
    """What a holdout of this promotion found, or has found so far."""

    experiment_id: str
    status: Status
    decision: Decision | None
    reason_code: ReasonCode | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class ReportStanding:
    """What was done with an experiment, beside what its evidence says now (the verdict).

    `at` is when, None while nothing was; `by_auto` says that auto mode did it, `reason` is as
    recorded, `treatment` what was put in place. `decided` is what the evidence said then;
    `agrees` tells whether what it says now asks for what was done, None while nothing was.
    `archived` was put away since. `watches` is what a holdout watches, of which nothing else is
    done than to end it.
    """

    state: StandingState
    status: Status
    at: float | None = field(metadata=MOMENT)
    cause: StandingCause | None
    by_auto: bool
    reason: str | None
    treatment: str | None
    decided: Decision | None
    agrees: bool | None
    archived: bool
    watches: str | None
    holdouts: tuple[WatchFinding, ...]


@dataclass(frozen=True, slots=True)
class ReportAhead:
    """What would make one surer of the treatment that leads.

    `units_to_go` (per arm) and `days_to_go` are the plan's own forecast of when the evidence is
    enough if it stays as it looks; None where there is none. `in_time` tells whether the plan
    lasts so long. `obstacles` are all that stands between it and a promotion, evidence
    included, what is told first first; none once it is decided.
    """

    fraction: float
    units_to_go: int | None
    days_to_go: float | None
    in_time: bool | None
    obstacles: tuple[Obstacle, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class EndingEvidence:
    """What ended a treatment, with the evidence for it against the bar it had to reach.

    Without a `treatment` it ended the experiment. Evidence is in natural logarithms: that
    `metric` is worse than the control, of a guardrail worse than its margin (`beyond`). None
    where it was no evidence, or is not known any more. `by_e_values`: they are odds.
    """

    treatment: str | None
    at: float | None = field(metadata=MOMENT)
    reason_code: ReasonCode | None
    reason: str
    metric: str | None
    label: str | None
    beyond: float | None
    seen: float | None
    needed: float | None
    by_e_values: bool


class CheckName(StrEnum):
    """The checks of the data."""

    ASSIGNMENT = "assignment"
    LOSSES = "losses"
    LATENESS = "lateness"
    EXPOSURE = "exposure"
    VERSIONS = "versions"


class CheckState(StrEnum):
    """State of a check; `noted` passed with something to know, `nothing_yet` saw no data."""

    PASSED = "passed"
    NOTED = "noted"
    FAILED = "failed"
    NOTHING_YET = "nothing_yet"


@dataclass(frozen=True, slots=True)
class CheckReading:
    """Check with its state; its figures stand in `checks`."""

    check: CheckName
    state: CheckState
