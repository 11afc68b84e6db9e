"""Watch over holdouts: each ends by itself, and what is reversed may be taken back.

The end of a holdout changes no text of the user's, so that it asks for no leave but that this
checkout started it. The promotion is taken back where the plan has that leave (`--auto`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from meta_experiment.decide.due_actions import DUE
from meta_experiment.decide.holdout import other_model
from meta_experiment.errors import NotFoundError
from meta_experiment.services.acting import promotion
from meta_experiment.services.acting.analysing import Study, study
from meta_experiment.services.acting.holdout_files import waits_for
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import (
    Action,
    Analysis,
    Experiment,
    Holdout,
    ReasonCode,
    Status,
    Trial,
)
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
    log = workspace.store.trials(experiment)
    studied = study(workspace, experiment, log=log)
    analysis = studied.examination.analysis
    step = _step(experiment.experiment_id, analysis)
    over = _why_over(workspace, holdout, log.trials)
    answered = DUE[analysis.decision] is not None
    if over is None and not answered:
        waits = waits_for(workspace, experiment)
        said = f"{step.sentence} It waits: {waits}" if waits else step.sentence
        return replace(step, sentence=said)
    if not workspace.checkout.started_here(experiment):
        left = (
            "It is left to the checkout that launched it, with the plan and the texts that it "
            f"has now. meta-experiment stop {experiment.experiment_id}"
        )
        return replace(step, decision=None, sentence=f"{step.sentence} {left}")
    if over is None and analysis.reason_code is ReasonCode.REVERSED and experiment.plan.auto:
        return _taken_back(
            workspace, experiment, holdout, studied, commit=commit, dry_run=dry_run
        )
    # what was shown stays shown, as where a process was killed after it took the promotion back
    reason = analysis.reason if answered else f"Ended before an answer: {over}."
    if answered:
        promotion.end_answered(workspace, experiment, studied, dry_run=dry_run)
    else:
        promotion.end(
            workspace, experiment, Action.EXPIRE, reason, dry_run=dry_run, analysis=analysis
        )
    back = "" if over else _way_back(analysis)
    said = f"The holdout {'would end' if dry_run else 'has ended'}: {reason}{back}"
    return replace(step, action=Action.EXPIRE, sentence=said)


def _why_over(workspace: Workspace, holdout: Holdout, trials: Sequence[Trial]) -> str | None:
    """Say why a holdout asks nothing any more, whatever it has shown; None while it does."""
    undone = _undone(workspace, holdout.of)
    if undone is not None:
        return undone
    model = other_model(holdout, trials)
    if model is not None:
        return f"the model is now {model}, and the promotion was shown on another"
    return None


def _undone(workspace: Workspace, promoted: str) -> str | None:
    try:
        status = workspace.store.experiment(promoted).status
    except NotFoundError:
        return f"there is no experiment {promoted} any more"
    if status is Status.ROLLED_BACK:
        return f"the promotion of {promoted} was taken back"
    return None


def _step(name: str, analysis: Analysis) -> AutoStep:
    reason = analysis.reason
    code = analysis.reason_code
    return AutoStep(name, analysis.decision, code, None, reason, (), reason=reason)


def _taken_back(
    workspace: Workspace,
    experiment: Experiment,
    holdout: Holdout,
    studied: Study,
    *,
    commit: bool,
    dry_run: bool,
) -> AutoStep:
    """Take a promotion back that is shown to be reversed; the holdout ends with it."""
    analysis = studied.examination.analysis
    options = promotion.ActionOptions(
        reason=f"reversed: {analysis.reason}", commit=commit, by_auto=True
    )
    promoted = workspace.store.experiment(holdout.of)
    done = promotion.take_back(
        workspace, promoted, experiment, options, dry_run=dry_run, ended_by=studied
    )
    kept = f" [commit {done.commit[:12]}]" if done.commit else ""
    said = f"{holdout.of}: {'would be ' if dry_run else ''}{done.message}{kept}"
    step = _step(experiment.experiment_id, analysis)
    return replace(step, action=Action.ROLLBACK, sentence=said)


def _way_back(analysis: Analysis) -> str:
    """Say how a promotion is taken back that has lost what it promised."""
    lost = (ReasonCode.REVERSED, ReasonCode.DECAYED)
    if analysis.holdout is None or analysis.reason_code not in lost:
        return ""
    return f" To take the promotion back: meta-experiment rollback {analysis.holdout.of}"
