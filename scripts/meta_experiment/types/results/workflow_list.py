"""List of the agentic workflows of a project that declare experiments."""

from __future__ import annotations

from enum import StrEnum

from meta_experiment.records import dataclass


class CompiledState(StrEnum):
    """How a compiled workflow stands to its source, as far as experiments go."""

    CURRENT = "current"
    STALE = "stale"
    MISSING = "missing"
    ALONE = "alone"  # compiled, of a source that is not there


@dataclass(frozen=True, slots=True)
class DeclaredSummary:
    """An experiment of a workflow, in short."""

    name: str
    variants: tuple[str, ...]
    metric: str | None
    min_samples: int


@dataclass(frozen=True, slots=True)
class WorkflowListEntry:
    """A workflow with its experiments and how many oddities its file holds.

    `state` is the branch that keeps its assignments, null where the cache does.
    """

    workflow: str
    file: str
    compiled: CompiledState
    state: str | None
    experiments: tuple[DeclaredSummary, ...]
    errors: int
    warnings: int


@dataclass(frozen=True, slots=True)
class SharedState:
    """Workflows whose names differ in capitals and hyphens alone: they count together."""

    state: str
    workflows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorkflowList:
    """The workflows of a folder; `others` declare no experiments."""

    folder: str
    workflows: tuple[WorkflowListEntry, ...]
    others: int
    shared: tuple[SharedState, ...]
