"""`runs list`: which experiments were run on cases."""

from __future__ import annotations

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.run_list import run_list_page
from meta_experiment.services.running.run_list import run_list


@verb(example="meta-experiment runs list --json")
def list_verb(place: Place) -> Result:
    """List the experiments that were run on cases on this machine, and what that took."""
    found = run_list(workspace(place))
    return Result(found, run_list_page(found))


command = list_verb
