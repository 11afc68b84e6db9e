"""`workflows show`: what a workflow declares, and what is odd about it."""

from __future__ import annotations

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.workflow_view import workflow_page
from meta_experiment.services.workflows.workflow_view import view_workflow


@verb(example="meta-experiment workflows show daily-report")
@click.argument("workflow", metavar="WORKFLOW")
def show_verb(place: Place, workflow: str) -> Result:
    """Show what a workflow declares under experiments, and what is odd about it.

    WORKFLOW is its file, or its name in .github/workflows. Every oddity has its line and
    column: what gh-aw refuses, drops in silence or reads in another way than was meant.
    """
    found = view_workflow(workspace(place), place.directory, workflow)
    return Result(found, workflow_page(found))


command = show_verb
