"""Result of a promotion, a rollback or an end: what it did to prompt files."""

from __future__ import annotations

from meta_experiment.records import dataclass
from meta_experiment.types.vocabulary import Action, Status

ADDED, REMOVED, UNCHANGED = "added", "removed", "unchanged"


@dataclass(frozen=True, slots=True)
class FileChangeResult:
    """Change of one file: changed, restored, added, removed, or unchanged as it was right."""

    path: str
    change: str


@dataclass(frozen=True, slots=True)
class ActionResult:
    """A promotion, a rollback or an end: done, or rehearsed in a dry run.

    `diff` is only of a rehearsal. `notes` say what became of edits at the places of files of
    ours; `refused` says of a rehearsal why it would not be done now, and `hint` what to run.
    """

    experiment_id: str
    action: Action
    status: Status
    dry_run: bool
    message: str
    files: tuple[FileChangeResult, ...]
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
        return any(item.change != UNCHANGED for item in self.files)
