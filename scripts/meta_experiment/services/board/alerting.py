"""Alerts of running experiments: what is worth a person's look."""

from __future__ import annotations

from meta_experiment.services.acting.analysing import examine
from meta_experiment.services.find import find_in
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Status
from meta_experiment.types.results.alerts import AlertReport, ExperimentAlerts


def monitor(workspace: Workspace, selector: str | None) -> AlertReport:
    """Return the alerts of one experiment, or of all that run; they notify, they do not act."""
    if selector is not None:
        chosen = [find_in(workspace.store, selector)]
    else:
        experiments = workspace.store.experiments()
        chosen = [item for item in experiments if item.status is Status.RUNNING]
    return AlertReport(
        tuple(
            ExperimentAlerts(item.experiment_id, examine(workspace, item).analysis.alerts)
            for item in chosen
        )
    )
