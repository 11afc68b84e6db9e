"""What the use cases answer, for the screen to show."""

from __future__ import annotations

from dataclasses import dataclass

from meta_experiment.types.vocabulary import Action, Decision, ReasonCode, Status

UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class FileDeed:
    """What happened to one file: changed, restored, or unchanged because it was right."""

    path: str
    verb: str


@dataclass(frozen=True, slots=True)
class Deed:
    """A promotion, a rollback or an end: done, or rehearsed in a dry run.

    `notes` say what became of edits at the places of files of ours; `refused` says of a
    rehearsal why it would not be done now, and `hint` what to run.
    """

    experiment_id: str
    action: Action
    status: Status
    sentence: str
    files: tuple[FileDeed, ...]
    dry_run: bool
    commit: str | None = None
    commit_note: str | None = None
    override: str | None = None
    diff: str = ""
    notes: tuple[str, ...] = ()
    refused: str | None = None
    hint: str | None = None

    @property
    def changed(self) -> bool:
        """Whether a prompt file became, or would become, another."""
        return any(item.verb != UNCHANGED for item in self.files)


@dataclass(frozen=True, slots=True)
class Step:
    """What `auto` did, or would do, about one experiment; `action` None is nothing."""

    experiment_id: str
    decision: Decision | None
    reason_code: ReasonCode | None
    action: Action | None
    sentence: str
    alerts: tuple[str, ...] = ()
    error: str | None = None
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that `check` looked at."""

    name: str
    ok: bool
    detail: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """All that `check` found, and the interpreter it ran in."""

    python: str
    root: str
    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """Whether everything is as it should be."""
        return all(item.ok for item in self.findings)
