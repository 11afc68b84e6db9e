"""The newest trials of an experiment."""

from __future__ import annotations

from dataclasses import replace

from meta_experiment.errors import NotFoundError, cite
from meta_experiment.model.fields import suggestion
from meta_experiment.records import dataclass
from meta_experiment.services.find import find_in
from meta_experiment.services.recording.admitting import sentences
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.trial_log import TrialLog
from meta_experiment.types import Experiment, Plan, Trial
from meta_experiment.types.results.trial_page import TrialPage

_MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class FoundTrials:
    """Trials that were asked for, in the order of closing, with their experiment and log."""

    experiment: Experiment
    log: TrialLog
    trials: tuple[Trial, ...]


def newest(found: FoundTrials, limit: int) -> TrialPage:
    """Return the newest of the trials that were found; open ones last."""
    experiment, log = found.experiment, found.log
    return TrialPage(
        experiment.experiment_id,
        len(found.trials),
        found.trials[-limit:],
        tuple(sentences(experiment.experiment_id, log.apart)),
        tuple(item.sentence for item in log.set_aside[:_MOST_PROBLEMS]),
        tuple(item.sentence for item in log.conflicts[:_MOST_PROBLEMS]),
        _planned(experiment.plan),
    )


def find_trials(workspace: Workspace, selector: str, variant: str | None) -> FoundTrials:
    """Return the trials of an experiment, of one variant or of all.

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
    log = replace(log, trials=tuple(log.trials))
    found = sorted((it for it in log.trials if variant in (None, it.variant)), key=_moment)
    return FoundTrials(experiment, log, tuple(found))


def _moment(trial: Trial) -> tuple[bool, float]:
    """Order trials by when they closed, or else began; what is open comes last."""
    is_open = trial.status is None and trial.excluded is None
    return is_open, trial.closed_at or trial.assigned_at or 0.0


def _planned(plan: Plan) -> frozenset[str]:
    """Return the metrics of a plan, those that are made of others with their parts."""
    named = {name for metric in plan.metrics for name in (metric.name, *metric.recorded)}
    return frozenset(named | {"rating"})
