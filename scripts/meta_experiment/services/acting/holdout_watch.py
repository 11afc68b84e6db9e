"""Watch over holdouts: each ends by itself, and what is reversed may be taken back.

The end of a holdout changes no text of the user's, so that it asks for no leave but that this
checkout started it. The promotion is taken back where the plan has that leave (`--auto`).
"""

from __future__ import annotations

from dataclasses import replace

from meta_experiment.decide.due_actions import DUE
from meta_experiment.errors import MetaExperimentError
from meta_experiment.services.acting import promotion
from meta_experiment.services.acting.analysing import examine
from meta_experiment.services.acting.holdouts import unfinished_reversals, why_over
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Action, Analysis, Experiment, Holdout, ReasonCode
from meta_experiment.types.results.auto import AutoStep


def watch(
    workspace: Workspace,
    experiment: Experiment,
    holdout: Holdout,
    *,
    commit: bool,
    dry_run: bool,
) -> AutoStep:
    """Look at a running holdout; end it where it is answered or asks nothing any more.

    Raises:
        MetaExperimentError: it could not be looked at or ended; the message says why.
    """
    name = experiment.experiment_id
    log = workspace.store.trials(experiment)
    analysis = examine(workspace, experiment, log=log).analysis
    step = _step(name, analysis)
    over = why_over(workspace, experiment, holdout, log.trials)
    answered = DUE[analysis.decision] is not None
    if over is None and not answered:
        return step
    if not workspace.checkout.started_here(experiment):
        left = f"It is left to the checkout that launched it. meta-experiment stop {name}"
        return replace(step, decision=None, sentence=f"{step.sentence} {left}")
    reason = f"Ended before an answer: {over}." if over else analysis.reason
    if over is None and analysis.reason_code is ReasonCode.REVERSED:
        return _reversed(
            workspace, experiment, holdout, analysis, commit=commit, dry_run=dry_run
        )
    promotion.end(
        workspace, experiment, Action.EXPIRE, reason, dry_run=dry_run, analysis=analysis
    )
    back = "" if over else _taken_back_by(analysis)
    said = f"The holdout {'would end' if dry_run else 'has ended'}: {reason}{back}"
    return replace(step, action=Action.EXPIRE, sentence=said)


def finish_reversals(workspace: Workspace, *, commit: bool, dry_run: bool) -> list[AutoStep]:
    """Take back what a holdout showed to be reversed, where its process was killed at it."""
    steps = []
    for experiment in unfinished_reversals(workspace.store.experiments()):
        if experiment.plan.holdout is None or not workspace.checkout.started_here(experiment):
            continue
        name = experiment.experiment_id
        try:
            # the registry may come with anybody's commit; the trials are of this machine
            analysis = examine(workspace, experiment).analysis
            if analysis.reason_code is ReasonCode.REVERSED:
                done = _taken_back(
                    workspace, experiment.plan.holdout, analysis, commit=commit, dry_run=dry_run
                )
                step = replace(_step(name, analysis), action=Action.ROLLBACK, sentence=done)
                steps.append(replace(step, files=experiment.plan.files))
        except MetaExperimentError as error:
            hint = f" {error.hint}" if error.hint else ""
            said = f"{error.message}{hint}"
            steps.append(AutoStep(name, None, None, None, said, error=error.kind))
    return steps


def _step(name: str, analysis: Analysis) -> AutoStep:
    reason = analysis.reason
    code = analysis.reason_code
    return AutoStep(name, analysis.decision, code, None, reason, (), reason=reason)


def _reversed(
    workspace: Workspace,
    experiment: Experiment,
    holdout: Holdout,
    analysis: Analysis,
    *,
    commit: bool,
    dry_run: bool,
) -> AutoStep:
    """End a holdout that shows the promotion reversed, and take that back with leave."""
    step = _step(experiment.experiment_id, analysis)
    if experiment.plan.auto:
        # refused before anything is ended, as where the file was edited
        promotion.rollback(workspace, holdout.of, _because(analysis), dry_run=True)
    promotion.end(
        workspace,
        experiment,
        Action.EXPIRE,
        analysis.reason,
        dry_run=dry_run,
        analysis=analysis,
    )
    said = f"The holdout {'would end' if dry_run else 'has ended'}: {analysis.reason}"
    if not experiment.plan.auto:
        back = f"{said}{_taken_back_by(analysis)}"
        return replace(step, action=Action.EXPIRE, sentence=back)
    done = _taken_back(workspace, holdout, analysis, commit=commit, dry_run=dry_run)
    return replace(step, action=Action.ROLLBACK, sentence=f"{said} {done}")


def _taken_back(
    workspace: Workspace, holdout: Holdout, analysis: Analysis, *, commit: bool, dry_run: bool
) -> str:
    options = replace(_because(analysis), commit=commit)
    result = promotion.rollback(workspace, holdout.of, options, dry_run=dry_run)
    kept = f" [commit {result.commit[:12]}]" if result.commit else ""
    return f"{holdout.of}: {'would be ' if dry_run else ''}{result.message}{kept}"


def _because(analysis: Analysis) -> promotion.ActionOptions:
    return promotion.ActionOptions(reason=f"reversed: {analysis.reason}")


def _taken_back_by(analysis: Analysis) -> str:
    """Say how a promotion is taken back that has lost what it promised."""
    lost = (ReasonCode.REVERSED, ReasonCode.DECAYED)
    if analysis.holdout is None or analysis.reason_code not in lost:
        return ""
    return f" To take the promotion back: meta-experiment rollback {analysis.holdout.of}"
