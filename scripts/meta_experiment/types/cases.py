"""Case: a task that every variant is run on, and what a run of it has to show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from meta_experiment.records import dataclass


class CriterionKind(StrEnum):
    """Kind of check that a criterion is."""

    CONTAINS = "contains"
    REGEX = "regex"
    JSON_SCHEMA = "json_schema"
    FILE_EXISTS = "file_exists"
    COMMAND = "command"
    TEST_PASS = "test_pass"  # noqa: S105 - a check, not a password
    DIFF = "diff"
    TOOL_USED = "tool_used"
    TOOL_ORDER = "tool_order"
    MANUAL = "manual"
    JUDGE = "judge"
    PREFERENCE = "preference"


@dataclass(frozen=True, slots=True)
class Criterion:
    """A check of a run: `target` is what its kind looks for, `options` what else it asks.

    Its `weight` is its share of the score relative to the others; a name is unique in a case.
    """

    name: str
    kind: CriterionKind
    target: str
    weight: float = 1.0
    options: Mapping[str, object] = field(default_factory=dict)


class CommitSource(StrEnum):
    """What tells at which commit a project stood in the past, the surest first."""

    RECORDED = "recorded"
    REFLOG = "reflog"
    BRANCH = "branch"
    MERGE = "merge"
    MAIN = "main"


@dataclass(frozen=True, slots=True)
class CaseOrigin:
    """Past use that a case was made of, in a session, at a time (ISO 8601).

    `commit_by` says how its commit was found. `clean` is whether all was committed then, None
    where nothing tells; `first` whether nothing of a conversation came before it.
    """

    session: str
    time: str
    commit_by: CommitSource
    clean: bool | None
    first: bool


@dataclass(frozen=True, slots=True)
class Case:
    """A task: the prompt as a user would type it, and how a run of it is judged.

    `files` are the paths and globs (relative, with `/`) that a run of it works on, `needs`
    named resources that it must have alone: runs that share one of either never run at once.
    `commit` is where the project stood; None is where it stands now. `origin` is the past use
    that it was made of, `history` the file of a conversation that it goes on in. `sha256` (hex)
    is of all that a run of it may depend on, so that an edited case is another one.
    """

    case_id: str
    prompt: str
    sha256: str
    criteria: tuple[Criterion, ...] = ()
    files: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    commit: str | None = None
    timeout_seconds: float | None = None
    tags: tuple[str, ...] = ()
    origin: CaseOrigin | None = None

    @property
    def checks(self) -> tuple[Criterion, ...]:
        """The criteria that a run is judged by alone."""
        return tuple(i for i in self.criteria if i.kind is not CriterionKind.PREFERENCE)

    @property
    def preferences(self) -> tuple[Criterion, ...]:
        """The criteria by which the runs of two variants are held against each other."""
        return tuple(i for i in self.criteria if i.kind is CriterionKind.PREFERENCE)

    history: str | None = None


@dataclass(frozen=True, slots=True)
class CriterionResult:
    """Verdict of one criterion on one run: `passed` is None while nobody has judged it.

    `answers` are those of a model that was asked more than once, None for one that was none;
    `person` is what a person says, who may be asked beside the model.
    """

    name: str
    kind: CriterionKind
    weight: float
    passed: bool | None
    detail: str = ""
    answers: tuple[bool | None, ...] = ()
    person: bool | None = None

    @property
    def is_open(self) -> bool:
        """Whether a verdict may still come, from a person if from nobody else."""
        return self.passed is None and self.kind in (CriterionKind.MANUAL, CriterionKind.JUDGE)
