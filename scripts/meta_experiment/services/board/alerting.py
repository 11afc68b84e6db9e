"""Alerts of running experiments: what is worth a person's look."""

from __future__ import annotations

from meta_experiment.errors import MetaExperimentError
from meta_experiment.services.acting.analysing import examine
from meta_experiment.services.find import find_in
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment, Status
from meta_experiment.types.results.alerts import AlertReport, ExperimentAlerts


def monitor(workspace: Workspace, selector: str | None) -> AlertReport:
    """Return the alerts of one experiment, or of all that run; they notify, they do not act."""
    if selector is not None:
        return AlertReport((_alerts(workspace, find_in(workspace.store, selector)),))
    experiments = workspace.store.experiments()
    running = [item for item in experiments if item.status is Status.RUNNING]
    return AlertReport(tuple(_looked_at(workspace, item) for item in running))


def _looked_at(workspace: Workspace, experiment: Experiment) -> ExperimentAlerts:
    """Return the alerts of one of several; what is wrong with it hides no other's."""
    try:
        return _alerts(workspace, experiment)
    except MetaExperimentError as error:
        return ExperimentAlerts(experiment.experiment_id, (), error.kind, error.told)


def _alerts(workspace: Workspace, experiment: Experiment) -> ExperimentAlerts:
    analysis = examine(workspace, experiment).analysis
    return ExperimentAlerts(experiment.experiment_id, analysis.alerts)
