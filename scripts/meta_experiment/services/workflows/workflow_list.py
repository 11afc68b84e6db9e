"""The agentic workflows of a project that declare experiments."""

from __future__ import annotations

from collections.abc import Sequence

from meta_experiment.services.workflows.workflow_files import (
    FOLDER,
    WorkflowFile,
    read_workflows,
)
from meta_experiment.services.workspace import Workspace
from meta_experiment.types.results.workflow_list import (
    DeclaredSummary,
    SharedState,
    WorkflowList,
    WorkflowListEntry,
)
from meta_experiment.types.workflows import OddityLevel
from meta_experiment.workflows.declarations import levels


def workflow_list(workspace: Workspace) -> WorkflowList:
    """List them in the order of their names, those whose declarations are odd too."""
    found = list(read_workflows(workspace.root))
    declared = [item for item in found if _is_of_experiments(item)]
    return WorkflowList(
        FOLDER,
        tuple(map(_entry, declared)),
        len(found) - len(declared),
        tuple(_shared(declared)),
    )


def _is_of_experiments(item: WorkflowFile) -> bool:
    declares = item.document.experiments is not None
    unread = item.document.head is None and levels(item.specification)[OddityLevel.ERROR] > 0
    return bool(item.specification.experiments) or declares or unread


def _entry(item: WorkflowFile) -> WorkflowListEntry:
    odd = levels(item.specification)
    return WorkflowListEntry(
        item.name,
        item.path,
        item.compiled,
        item.branch,
        tuple(
            DeclaredSummary(one.name, one.variants, one.metric, one.min_samples)
            for one in item.specification.experiments
        ),
        odd[OddityLevel.ERROR],
        odd[OddityLevel.WARNING],
    )


def _shared(found: Sequence[WorkflowFile]) -> list[SharedState]:
    """Return the workflows that keep their state in one place, which gh-aw does not notice."""
    branches: dict[str, list[str]] = {}
    for item in found:
        if item.branch is not None:
            branches.setdefault(item.branch, []).append(item.name)
    return [
        SharedState(branch, tuple(names))
        for branch, names in branches.items()
        if len(names) > 1
    ]
