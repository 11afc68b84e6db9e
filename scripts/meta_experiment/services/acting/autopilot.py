"""Auto mode: every running experiment is looked at, and acted on where its plan allows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from meta_experiment.decide.due_actions import DUE, VERBS
from meta_experiment.errors import MetaExperimentError
from meta_experiment.services.acting import promotion
from meta_experiment.services.acting.analysing import Study, study
from meta_experiment.services.acting.ending_arms import end_arms
from meta_experiment.services.acting.holdout_watch import watch
from meta_experiment.services.serving.weights_in_force import renew_weights
from meta_experiment.services.teams.team_door import TeamDoor, no_store
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Action, EndedArm, Experiment, Status
from meta_experiment.types.results.auto import AutoStep

_NOT_HERE = (
    "Nothing is done by itself, as nobody has started it in this checkout with the plan and "
    "the texts that it has now: meta-experiment start"
)


def auto(
    workspace: Workspace,
    *,
    commit: bool,
    dry_run: bool,
    known: Mapping[str, AutoStep] = MappingProxyType({}),
    open_team: TeamDoor = no_store,
) -> list[AutoStep]:
    """Decide and act on every running experiment; one that fails does not stop the others.

    `known` says how experiments are decided of which that was weighed already: only where
    something is to be done is it weighed again. Those of a team are decided over its store,
    which `open_team` opens.
    """
    every = workspace.store.experiments()
    alone = [it for it in every if it.status is Status.RUNNING and it.plan.team is None]
    steps = {
        item.experiment_id: _untouched(workspace, item, known.get(item.experiment_id))
        or _step(workspace, item, commit=commit, dry_run=dry_run)
        for item in alone
    }
    steps |= _team_steps(workspace, open_team, dry_run=dry_run)
    if not dry_run:
        renew_weights(workspace)
    return [
        replace(steps[item.experiment_id], files=item.plan.files)
        for item in every
        if item.experiment_id in steps
    ]


def _team_steps(
    workspace: Workspace, open_team: TeamDoor, *, dry_run: bool
) -> dict[str, AutoStep]:
    """Return the steps of the team's experiments: each says why, where there is no store."""
    shared = [item for item in workspace.store.experiments() if item.plan.team is not None]
    if not shared:
        return {}
    from meta_experiment.services.acting.team_auto import (
        failed_step,
        needs_a_look,
        team_steps,
    )

    try:
        return team_steps(workspace, open_team, dry_run=dry_run)
    except MetaExperimentError as error:
        waiting = filter(needs_a_look, shared)
        return {item.experiment_id: failed_step(item, error) for item in waiting}


def auto_one(workspace: Workspace, experiment_id: str, *, commit: bool) -> AutoStep:
    """Decide and act on one running experiment."""
    experiment = workspace.store.experiment(experiment_id)
    return _step(workspace, experiment, commit=commit, dry_run=False)


def _untouched(
    workspace: Workspace, experiment: Experiment, known: AutoStep | None
) -> AutoStep | None:
    """Return what is known of an experiment where nothing is done of it here, else None."""
    if known is None or known.decision is None:
        return None
    action = DUE[known.decision]
    if action is None:
        return known
    verbs = [f"{VERBS[action]} {experiment.experiment_id}"]
    left = _left_to_the_user(workspace, experiment, verbs)
    return None if left is None else replace(known, sentence=f"{known.sentence} {left}")


def _step(
    workspace: Workspace, experiment: Experiment, *, commit: bool, dry_run: bool
) -> AutoStep:
    name, holdout = experiment.experiment_id, experiment.plan.holdout
    try:
        if holdout is not None:
            return watch(workspace, experiment, holdout, commit=commit, dry_run=dry_run)
        studied = study(workspace, experiment)
        analysis = studied.examination.analysis
        alerts = tuple(item.message for item in analysis.alerts)
        code = analysis.reason_code
        reason = analysis.reason
        step = AutoStep(name, analysis.decision, code, None, reason, alerts, reason=reason)
        action = DUE[analysis.decision]
        arms = [item for item in analysis.ended if item.at is None]
        if action is None and not arms:
            return step
        if action is None:
            return _end_arms(workspace, experiment, step, arms, dry_run=dry_run)
        left = _left_to_the_user(workspace, experiment, [f"{VERBS[action]} {name}"])
        if left is not None:
            return replace(step, sentence=f"{step.sentence} {left}")
        sentence = _act(workspace, experiment, studied, action, commit=commit, dry_run=dry_run)
        return replace(step, action=action, sentence=sentence)
    except MetaExperimentError as error:
        return AutoStep(name, None, None, None, error.told, error=error.kind)


def _end_arms(
    workspace: Workspace,
    experiment: Experiment,
    step: AutoStep,
    arms: Sequence[EndedArm],
    *,
    dry_run: bool,
) -> AutoStep:
    """End the arms that harm has ended, or say how, while the others go on."""
    name, names = experiment.experiment_id, ", ".join(item.treatment for item in arms)
    said = f"{step.sentence} Shown to do harm: {names}."
    verbs = [f"stop {name} --variant {item.treatment}" for item in arms]
    left = _left_to_the_user(workspace, experiment, verbs)
    if left is not None:
        return replace(step, sentence=f"{said} {left}")
    if dry_run:
        return replace(step, sentence=f"{said} Would get no more units.")
    notes = end_arms(workspace, name, arms)
    return replace(
        step,
        sentence=" ".join((f"{said} Gets no more units.", *notes)),
        ended=tuple(item.treatment for item in arms),
    )


def _left_to_the_user(
    workspace: Workspace, experiment: Experiment, verbs: Sequence[str]
) -> str | None:
    """Say why what is due is left to the user, and by which verbs; None where it is not."""
    if not experiment.plan.auto:
        said = "; ".join(f"meta-experiment {verb}" for verb in verbs)
        return f"Its plan leaves this to you: {said}"
    if not workspace.checkout.started_here(experiment):
        # a registry and logs may come with anybody's commit
        return f"{_NOT_HERE} {experiment.experiment_id}"
    return None


def _act(
    workspace: Workspace,
    experiment: Experiment,
    studied: Study,
    action: Action,
    *,
    commit: bool,
    dry_run: bool,
) -> str:
    if action is Action.PROMOTE:
        options = promotion.ActionOptions(commit=commit, by_auto=True)
        result = promotion.promote_judged(
            workspace, experiment, studied, options, dry_run=dry_run
        )
    else:
        analysis = studied.examination.analysis
        result = promotion.end(
            workspace,
            experiment,
            action,
            analysis.reason,
            dry_run=dry_run,
            analysis=analysis,
            by_auto=True,
        )
    would = "would be done: " if dry_run else ""
    return f"{would}{result.message}" + (
        f" [commit {result.commit[:12]}]" if result.commit else ""
    )
