"""Result of offline runs of an experiment, or of a preview of them."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from meta_experiment.records import dataclass
from meta_experiment.types.analysis import Analysis
from meta_experiment.types.field_marks import ASIDE
from meta_experiment.types.vocabulary import Decision, ReasonCode, Status


class RunEnd(StrEnum):
    """Reason why no further run is started."""

    DECIDED = "decided"
    FUTILE = "futile"
    EXHAUSTED = "exhausted"
    CAPPED = "capped"
    PROBED = "probed"
    HALTED = "halted"
    SHARED = "shared"
    PREVIEW = "preview"


@dataclass(frozen=True, slots=True)
class RunsSpent:
    """Price of all runs so far, failed attempts included, as far as it is known.

    `unpriced` runs have none known, and `judge_unpriced` questions about a run or a block.
    """

    usd: float
    tokens: float
    unpriced: int
    judge_unpriced: int = 0


@dataclass(frozen=True, slots=True)
class RunsSetAside:
    """A block of runs that does not count, through no fault of a variant."""

    case: str
    repeat: int
    reason: str


@dataclass(frozen=True, slots=True)
class RunResult:
    """State of an experiment's runs: how many there are, are done, were set aside, are saved.

    `runs` are all of the schedule (cases × repeats × variants), `counted` those that evidence
    rests on, `waiting` ended ones that wait for one before them, or to be counted elsewhere,
    `saved` those that need not be made any more, as the answer is known. `outlook` is what was
    said before anything was spent;
    `waves` (of a preview) are the cases that may run at the same time.
    """

    experiment_id: str
    status: Status
    ended: RunEnd
    decision: Decision | None
    reason_code: ReasonCode | None
    reason: str
    runs: int
    counted: int
    waiting: int
    saved: int
    set_aside: tuple[RunsSetAside, ...]
    spent: RunsSpent
    outlook: tuple[str, ...]
    notes: tuple[str, ...] = ()
    waves: tuple[tuple[str, ...], ...] = ()
    analysis: Analysis | None = field(default=None, metadata=ASIDE)
