"""The newest trials of an experiment."""

from __future__ import annotations

from meta_experiment.errors import NotFoundError, cite
from meta_experiment.model.fields import suggestion
from meta_experiment.services.find import find_in
from meta_experiment.services.recording.admitting import sentences
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.trial_log import TrialLog
from meta_experiment.types import Experiment, Plan, Trial
from meta_experiment.types.results.trial_page import TrialPage

_MOST_PROBLEMS = 20


def trials(workspace: Workspace, selector: str, limit: int, variant: str | None) -> TrialPage:
    """Return the newest trials, of one variant or of all; open ones last.

    Raises:
        NotFoundError: no such experiment or variant.
    """
    experiment, log, found = find_trials(workspace, selector, variant)
    return TrialPage(
        experiment.experiment_id,
        len(found),
        tuple(found[-limit:]),
        tuple(sentences(experiment.experiment_id, log.apart)),
        tuple(item.sentence for item in log.set_aside[:_MOST_PROBLEMS]),
        tuple(item.sentence for item in log.conflicts[:_MOST_PROBLEMS]),
        _planned(experiment.plan),
    )


def find_trials(
    workspace: Workspace, selector: str, variant: str | None
) -> tuple[Experiment, TrialLog, list[Trial]]:
    """Return an experiment with its log, and its trials in the order of closing.

    Raises:
        NotFoundError: no such experiment or variant.
    """
    experiment = find_in(workspace.store, selector)
    names = [item.name for item in experiment.plan.variants]
    if variant is not None and variant not in names:
        raise NotFoundError(
            f"{experiment.experiment_id} has no variant {cite(variant)}.",
            hint=suggestion(variant, names) or f"Variants: {', '.join(names)}.",
        )
    log = workspace.store.trials(experiment)
    found = [item for item in log.trials if variant in (None, item.variant)]
    found.sort(key=_moment)
    return experiment, log, found


def _moment(trial: Trial) -> tuple[bool, float]:
    """Order trials by when they closed, or else began; what is open comes last."""
    is_open = trial.status is None and trial.excluded is None
    return is_open, trial.closed_at or trial.assigned_at or 0.0


def _planned(plan: Plan) -> frozenset[str]:
    """Return the metrics of a plan, those that are made of others with their parts."""
    named = {name for metric in plan.metrics for name in (metric.name, *metric.recorded)}
    return frozenset(named | {"rating"})
