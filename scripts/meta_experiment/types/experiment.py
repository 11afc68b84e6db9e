"""An experiment: a plan with a life."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from meta_experiment.records import dataclass
from meta_experiment.types.analysis import EndedArm
from meta_experiment.types.field_marks import MOMENT
from meta_experiment.types.plan import Plan
from meta_experiment.types.trial import Trial
from meta_experiment.types.vocabulary import Action, Decision, ReasonCode, Status


@dataclass(frozen=True, slots=True)
class FileVersion:
    """The exact bytes (by SHA-256, hex) and permission bits of one file in one variant."""

    sha256: str
    mode: int


@dataclass(frozen=True, slots=True)
class Amendment:
    """A change to a plan on the record: who reads the result must know of it."""

    at: float
    key: str
    before: object
    after: object
    why: str
    trials_before: int


@dataclass(frozen=True, slots=True)
class FileReplacement:
    """Replacement of a file by an action: what stood there before and after; None: no file."""

    before: FileVersion | None
    after: FileVersion | None


@dataclass(frozen=True, slots=True)
class UseSaving:
    """What one use takes of a metric without the treatment, and what of it is saved.

    In the metric's unit; below zero the use takes more. An end of None is without bound.
    """

    unit: str
    before: float
    saved: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class OutcomeImpact:
    """What a promotion saves in each use, as it was estimated when that was decided.

    `uses` are those of 30 days, None where nothing tells a rate; `level` is that of the
    intervals, and `per_use` has time, tokens and money by their metrics, where recorded.
    """

    uses: float | None
    level: float
    per_use: Mapping[str, UseSaving]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome: the action, its evidence, and whether a person overrode it.

    `files` names what the action found and left at each path it changed; `impact` is known of
    promotions, and of holdouts that were answered. `by_auto` says that auto mode did it; what
    was recorded before that was told says nothing of it.
    """

    action: Action
    at: float = field(metadata=MOMENT)
    decision: Decision | None
    reason_code: ReasonCode | None
    reason: str
    winner: str | None = None
    override: str | None = None
    improvement: float | None = None
    e_value: float | None = None
    trials: int = 0
    commit: str | None = None
    change_id: str | None = None
    files: Mapping[str, FileReplacement] = field(default_factory=dict)
    impact: OutcomeImpact | None = None
    by_auto: bool = False


@dataclass(frozen=True, slots=True)
class Experiment:
    """A plan with its status and history. Times are seconds since the epoch (UTC).

    `versions[path][variant]` names the stored bytes of every file in every arm, None where the
    arm has no such file. Of a skill that is compared with its folder all files are there;
    `plan.files` names its SKILL.md alone.
    `inline_trials` are those that an older registry keeps in itself, `ended_arms` treatments
    that get no more units.
    """

    experiment_id: str
    plan: Plan
    plan_sha256: str
    status: Status
    created: float
    versions: dict[str, dict[str, FileVersion | None]]
    started: float | None = None
    ended: float | None = None
    amendments: tuple[Amendment, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    inline_trials: tuple[Trial, ...] = ()
    ended_arms: tuple[EndedArm, ...] = ()

    @property
    def began(self) -> float | None:
        """When units began to take part: its start, or the later date of its plan."""
        if self.started is None or self.plan.start_date is None:
            return self.started
        return max(self.started, self.plan.start_date)

    @property
    def closed(self) -> float | None:
        """When it took its last units: at its end, or a promotion that was taken back since."""
        promoted = [it.at for it in self.outcomes if it.action is Action.PROMOTE]
        return None if self.ended is None else min(self.ended, *promoted, self.ended)

    @property
    def outcome(self) -> Outcome | None:
        """The last thing that was done, if anything was."""
        return self.outcomes[-1] if self.outcomes else None
