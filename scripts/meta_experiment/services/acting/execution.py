"""Carrying out an action that was worked out: files, commit, registry, what is served."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

from meta_experiment.decide.due_actions import AFTER
from meta_experiment.deploy import (
    ChangeSet,
    DeployResult,
    FileChange,
    LandedChange,
    commit_message,
    new_change_id,
)
from meta_experiment.errors import ConflictError, MetaExperimentError
from meta_experiment.files.interruption import held
from meta_experiment.model.experiment_document import outcome_to_document
from meta_experiment.services.acting.action_plan import (
    ActionPlan,
    difference,
    replaced_versions,
)
from meta_experiment.services.acting.lifecycle import noted
from meta_experiment.services.acting.registry_commit import RegistryCommit
from meta_experiment.services.serving.reconciliation import (
    ReconcileResult,
    reconcile_quietly,
    serving_lock,
)
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Action, Experiment, Outcome
from meta_experiment.types.results.action import (
    ADDED,
    REMOVED,
    UNCHANGED,
    ActionResult,
    FileChangeResult,
)


def execute(
    workspace: Workspace, plan: ActionPlan, *, commit: bool, dry_run: bool
) -> ActionResult:
    """Do what was worked out, files, commit, registry and serving together, or none of it.

    Raises:
        ConflictError: another command changed the experiment meanwhile. Else as
            `Deployer.apply`.
    """
    experiment = plan.experiment
    decided = plan.outcome.change_id if plan.decided else None
    change_id = decided or new_change_id()
    files = replaced_versions(plan.files, plan.user_content)
    outcome = replace(
        plan.outcome, change_id=change_id, files=plan.outcome.files if decided else files
    )
    change = ChangeSet(
        change_id=change_id,
        experiment_id=experiment.experiment_id,
        action=outcome.action,
        files=plan.files,
        payload=outcome_to_document(outcome),
        message=action_message(experiment, outcome, change_id) if commit else None,
    )
    if not dry_run:
        targets = [item.target for item in plan.files if item.target is not None]
        workspace.keep([*targets, *plan.user_content.values()])
        if outcome.action is not Action.ROLLBACK:  # which has the impact of the promotion
            workspace.checkout.mark_measured(experiment.experiment_id, outcome)
    try:
        result, notes = _applied(workspace, plan, change, outcome, dry_run=dry_run)
    except ConflictError:
        # the other command may have ended the serving, and undoing put the stand-in back
        reconcile_quietly(workspace)
        raise
    if not dry_run:
        return replace(_result(plan, outcome, result), notes=notes)
    if plan.user_content:
        result = replace(result, diff=difference(plan))
    return _result(plan, outcome, result)


def _applied(
    workspace: Workspace,
    plan: ActionPlan,
    change: ChangeSet,
    outcome: Outcome,
    *,
    dry_run: bool,
) -> tuple[DeployResult, tuple[str, ...]]:
    """Change the files and the registry, and with it what is served; say what hindered.

    Others are kept from changing what is served from the registry's step on: the hooks of a
    commit, which come before, may take long.
    """
    experiment, notes = plan.experiment, list[str]()
    with ExitStack() as finishing:
        step = _ServedRegistryCommit(workspace, experiment, finishing)
        result = workspace.deployer.apply(change, step, dry_run=dry_run)
        if dry_run:
            return result, ()
        try:
            notes += step.reconcile().notes
        except MetaExperimentError as error:
            notes.append(f"What is served is brought up to date by the next command: {error}")
        after = replace(experiment, status=AFTER[outcome.action])
        verb, reason = outcome.action.value, outcome.reason
        notes += noted(workspace, after, verb, experiment.status, reason)
    return result, tuple(notes)


class _ServedRegistryCommit(RegistryCommit):
    """The registry's part, and from then on nobody else's hand on what is served.

    `finishing` ends when that is brought up to date; until then signals wait.
    """

    reconcile: Callable[[], ReconcileResult]

    def __init__(
        self, workspace: Workspace, experiment: Experiment, finishing: ExitStack
    ) -> None:
        super().__init__(workspace, experiment)
        self._finishing = finishing

    def record(self, landed: LandedChange) -> None:
        """Write it into the registry while nobody else changes what is served."""
        self.reconcile = self._finishing.enter_context(serving_lock(self.workspace))
        message = f"The {landed.action.value} of {landed.experiment_id} was finished first."
        self._finishing.enter_context(held(message))
        super().record(landed)


def _result(plan: ActionPlan, outcome: Outcome, result: DeployResult) -> ActionResult:
    experiment, status = plan.experiment, AFTER[outcome.action]
    words = {item.path: _word(plan, item) for item in plan.files}
    reason = outcome.reason.removeprefix(f"{outcome.winner} is ")
    name = {
        Action.PROMOTE: f"{outcome.winner} is promoted",
        Action.ROLLBACK: "rolled back",
        Action.EXPIRE: "ended without a decision; the control stays",
    }[outcome.action]
    return ActionResult(
        experiment_id=experiment.experiment_id,
        action=outcome.action,
        status=experiment.status if result.dry_run else status,
        message=f"{name}: {reason}",
        files=(
            *(FileChangeResult(path, words[path]) for path in result.changed),
            *(FileChangeResult(path, UNCHANGED) for path in result.unchanged),
        ),
        dry_run=result.dry_run,
        commit=result.commit.commit,
        commit_note=result.commit.reason or None,
        override=outcome.override,
        diff=result.diff if result.dry_run else "",
    )


def _word(plan: ActionPlan, change: FileChange) -> str:
    if change.target is None:
        return REMOVED
    is_new = change.expected is None and plan.outcome.action is Action.PROMOTE
    return ADDED if is_new else plan.verb


def action_message(experiment: Experiment, outcome: Outcome, change_id: str) -> str:
    """Compose the message of the commit that carries an action out."""
    evidence = None if outcome.e_value is None else f"e-value {outcome.e_value:.4g}"
    decision = outcome.decision and f"{outcome.decision.value} ({outcome.reason_code})"
    return commit_message(
        action=outcome.action,
        experiment_id=experiment.experiment_id,
        name=experiment.plan.name,
        summary=f"{_sentence(experiment.plan.hypothesis)} {_sentence(outcome.reason)}",
        change_id=change_id,
        improvement=outcome.improvement,
        evidence=evidence,
        trials=outcome.trials,
        decision=decision,
        override=outcome.override,
        reason=outcome.reason if outcome.action is Action.ROLLBACK else None,
    )


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."
