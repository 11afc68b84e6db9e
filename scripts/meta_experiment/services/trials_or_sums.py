"""An experiment has either trials or sums: the same units in both would count twice."""

from __future__ import annotations

from meta_experiment.errors import RefusedError
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment


def require_no_trials(workspace: Workspace, experiment: Experiment) -> None:
    """Refuse to collect sums of an experiment that has trials. Raises RefusedError."""
    if workspace.store.trials(experiment).trials:
        raise RefusedError(
            f"{experiment.experiment_id} has trials of its own; sums of the same units would "
            "count twice.",
            hint="Collect into an experiment that records nothing.",
        )


def require_no_sums(workspace: Workspace, experiment: Experiment) -> None:
    """Refuse trials of an experiment of which sums were collected.

    Raises:
        RefusedError: there are some. CorruptStoreError: they are not what was written.
    """
    name = experiment.experiment_id
    if workspace.checkout.collected(name) is not None:
        raise RefusedError(
            f"{name} is decided on sums that were collected; trials would count the same units "
            "twice.",
            hint=f"Collect what came since: meta-experiment collect {name} --mapping FILE",
        )
