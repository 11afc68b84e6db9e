"""The step of a ramp that is in force, from the log of an experiment."""

from __future__ import annotations

from collections.abc import Container

from meta_experiment.assign.adaptive import whole_parts
from meta_experiment.decide.analysis import analyze
from meta_experiment.decide.ramp import ramp_standing
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment


def step_in_force(
    workspace: Workspace, experiment: Experiment, ended: Container[str]
) -> tuple[list[int], int]:
    """Return the parts of every arm by which the next unit is drawn, and what they rest on."""
    plan, as_of = experiment.plan, workspace.clock()
    trials = tuple(workspace.store.trials(experiment).trials)
    analysis = analyze(
        plan,
        trials,
        experiment_id=experiment.experiment_id,
        as_of=as_of,
        started=experiment.began,
        ended=experiment.ended_arms,
    )
    standing = ramp_standing(plan, trials, analysis, as_of, ended)
    return whole_parts(list(standing.shares.values())), standing.known
