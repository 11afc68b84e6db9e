"""`workflows list`: which agentic workflows declare experiments."""

from __future__ import annotations

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.workflow_list import workflow_list_page
from meta_experiment.services.workflows.workflow_list import workflow_list


@verb(example="meta-experiment workflows list --json")
def list_verb(place: Place) -> Result:
    """List the agentic workflows in .github/workflows that declare experiments."""
    found = workflow_list(workspace(place))
    return Result(found, workflow_list_page(found))


command = list_verb
