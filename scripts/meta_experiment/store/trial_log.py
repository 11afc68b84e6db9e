"""A log of trials: the events that go into it and what comes out, whatever keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from typing import NamedTuple, Protocol

from meta_experiment.records import dataclass
from meta_experiment.types import Trial, TrialStatus


class EventKind(StrEnum):
    """The kinds of news of a trial."""

    ASSIGNED = "assigned"
    EXPOSED = "exposed"
    RECORDED = "recorded"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class TrialEvent:
    """Event of a trial, at a time in seconds since the epoch.

    `unit` may be unknown to a writer that only has the trial's id; then another event of
    the trial, or else the trial's id, names it. A `recorded` event carries `metrics`,
    `covariates`, `status` and `fingerprint`, an `excluded` one its `reason`.
    """

    kind: EventKind
    at: float
    trial_id: str
    variant: str
    unit: str | None = None
    status: TrialStatus | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    fingerprint: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None
    covariates: Mapping[str, float] = field(default_factory=dict)


class OutcomeReport(Protocol):
    """The outcome of one trial, as somebody reports it. Without a trial id it is a new one."""

    @property
    def experiment_id(self) -> str:
        """Whose trial it is."""

    @property
    def variant(self) -> str:
        """Which arm was served."""

    @property
    def metrics(self) -> Mapping[str, float]:
        """What was measured."""

    @property
    def covariates(self) -> Mapping[str, float]:
        """What was known of it before its variant was drawn."""

    @property
    def status(self) -> TrialStatus:
        """How it ended."""

    @property
    def unit(self) -> str | None:
        """What was randomised, if the reporter knows."""

    @property
    def trial_id(self) -> str | None:
        """Which trial it is, if it was assigned or recorded before."""

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """What it ran on."""


class Acknowledgement(NamedTuple):
    """What came of outcomes: the trial id of each, in order, and what had an outcome before.

    A trial that is known is told by its experiment and its id.
    """

    trial_ids: list[str]
    known: set[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class AssignedTrial:
    """The variant of a unit, and the trial that begins with it.

    `position` is the unit's place in the sequence (0, 1, …), None when it was drawn apart
    from it. `repeated` says that the unit had its variant before.
    """

    unit: str
    variant: str
    trial_id: str
    position: int | None
    repeated: bool


@dataclass(frozen=True, slots=True)
class UnitsUsed:
    """The number of units of every variant, drawn or not, and of places that are drawn."""

    units: Mapping[str, int]
    positions: int


WHOLE_SOURCE = 0  # in place of a line's number


class DamagedLine(NamedTuple):
    """A stored line that cannot be used, or a whole source of lines, and why."""

    source: str
    line_number: int
    reason: str

    @property
    def sentence(self) -> str:
        """Say where it is and what is wrong with it."""
        line = "" if self.line_number == WHOLE_SOURCE else f", line {self.line_number}"
        return f"{self.source}{line}: {self.reason}"


class Conflict(NamedTuple):
    """A point on which two events of a trial disagree; what the first one said stands."""

    trial_id: str
    what: str

    @property
    def sentence(self) -> str:
        """Say which trial, and what of it."""
        return f"trial {self.trial_id}: two values of {self.what}; the first is kept"


@dataclass(frozen=True, slots=True)
class UncountedLog:
    """A log that does not count: how many lines it has, and why they decide nothing.

    `more` says that only its first part was looked through.
    """

    source: str
    writer: str
    lines: int
    why: str
    remedy: str | None = None
    more: bool = False


@dataclass(frozen=True, slots=True)
class TrialLog:
    """Every trial of an experiment, and what could not be used of its logs.

    `trials` are in the order of their units. `set_aside` and `conflicts` give details of
    the first thousand; the counts are of all. `apart` are the logs that do not count. `sources`
    are the sizes of all that lines come from, by name; `bytes_read` is what this reading took.
    """

    trials: Sequence[Trial]
    set_aside: tuple[DamagedLine, ...]
    set_aside_count: int
    conflicts: tuple[Conflict, ...]
    conflict_count: int
    apart: tuple[UncountedLog, ...]
    sources: Mapping[str, int]
    bytes_read: int
