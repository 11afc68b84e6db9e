"""One agentic workflow, with everything that it says of experiments."""

from __future__ import annotations

from pathlib import Path

from meta_experiment.services.workflows.workflow_files import WorkflowFile, find_workflow
from meta_experiment.services.workspace import Workspace
from meta_experiment.types.results.workflow_list import CompiledState
from meta_experiment.types.results.workflow_view import VariantUses, WorkflowView
from meta_experiment.types.workflows import DeclaredExperiment
from meta_experiment.workflows.conditions import unmentioned, unmet


def view_workflow(workspace: Workspace, directory: Path, typed: str) -> WorkflowView:
    """Show a workflow by its path or name.

    Raises:
        NotFoundError: there is none. UnsafePathError, StorageError: it cannot be read safely.
    """
    found = find_workflow(workspace.root, directory, typed)
    return WorkflowView(
        found.name,
        found.path,
        found.compiled,
        found.compile_command,
        found.branch,
        found.specification,
        tuple(_uses(found, item) for item in found.specification.experiments)
        if found.compiled is not CompiledState.ALONE
        else (),
    )


def _uses(found: WorkflowFile, experiment: DeclaredExperiment) -> VariantUses:
    name, variants = experiment.name, experiment.variants
    return VariantUses(
        name,
        unmet(found.document, name, variants),
        unmentioned(found.document, name, variants),
    )
