"""The end of a generation: archive and workflow change as one, both or neither.

That holds after a crash as well, by the journal that all changes of prompt files go through.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from meta_experiment.deploy import (
    ChangeSet,
    FileChange,
    LandedChange,
    new_change_id,
    version_of,
)
from meta_experiment.errors import DriftError
from meta_experiment.files.confine import Content, plain_path, safe_component
from meta_experiment.model import instants
from meta_experiment.model.result_document import to_document
from meta_experiment.records import dataclass
from meta_experiment.services.acting.registry_commit import OF_A_WORKFLOW
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Action, Analysis
from meta_experiment.types.results.workflow_generation import GenerationPlan
from meta_experiment.workflows.state.ledger import RunLedger
from meta_experiment.workflows.state.writing import run_document
from meta_experiment.workflows.workflow_names import workflow_id

_MODE = 0o644


@dataclass(frozen=True, slots=True)
class Generation:
    """A generation that ends: the workflow before and after, and all that is known of it."""

    before: Content
    after: Content
    ledger: RunLedger | None
    analysis: Analysis | None


def land(
    workspace: Workspace, plan: GenerationPlan, generation: Generation, folder: str
) -> GenerationPlan:
    """Archive a generation in a folder below the root and rewrite its workflow.

    Raises:
        DriftError: the workflow changed meanwhile. UnsafePathError: the folder leaves the
            root. StorageError: a file cannot be written; then neither changed.
    """
    change_id, at = new_change_id(), workspace.clock()
    done = replace(plan, archive=_archive_path(folder, plan, at, change_id))
    archive = json.dumps(_archive(done, generation, at), ensure_ascii=False, indent=2) + "\n"
    name = f"workflow-{workflow_id(plan.workflow)}-{plan.experiment}"
    change = ChangeSet(
        change_id=change_id,
        experiment_id=safe_component(name),
        action=Action.PROMOTE,
        files=(
            FileChange(str(done.archive), None, Content(archive.encode(), _MODE)),
            FileChange(plan.file, version_of(generation.before), generation.after),
        ),
        payload={OF_A_WORKFLOW: plan.file, "archive": done.archive},
    )
    try:
        workspace.deployer.apply(change, _NoRegistry())
    except DriftError as error:
        hint = "See what changed, then run the same command again."
        raise DriftError(error.message, hint=hint) from error
    return done


class _NoRegistry:
    """A registry that has no part in a change: a workflow is its own."""

    def check(self) -> None:
        """Find nothing that could hold no more."""

    def record(self, landed: LandedChange) -> None:
        """Write nothing down: archive and workflow say it all."""
        del landed


def _archive_path(folder: str, plan: GenerationPlan, at: float, change_id: str) -> str:
    """Return a path that no other generation has: by its time, and by a number drawn."""
    stamp = instants.to_text(at).replace("-", "").replace(":", "")
    parts = (
        *Path(folder).as_posix().split("/"),
        safe_component(plan.workflow),
        plan.experiment,
        f"{stamp}-{change_id}.json",
    )
    return plain_path("/".join(part for part in parts if part != "."))


def _archive(plan: GenerationPlan, generation: Generation, at: float) -> dict[str, Any]:
    """Return all that is known of a generation when it ends."""
    return {
        "archived_at": instants.to_text(at),
        **to_document(plan),
        "analysis": to_document(generation.analysis) if generation.analysis else None,
        "state": _state(generation.ledger),
    }


def _state(ledger: RunLedger | None) -> dict[str, Any] | None:
    if ledger is None:
        return None
    return {
        "runs": [run_document(run) for run in ledger.runs],
        "counted_before": [
            {"before": item.before, "counts": to_document(item.counts)}
            for item in ledger.stated
        ],
        "unread": [item.sentence for item in ledger.bad],
    }
