"""Promote, roll back, stop, expire: what changes prompt files or ends an experiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from meta_experiment.decide.holdout import PROMOTED
from meta_experiment.decide.telling.progress import leading
from meta_experiment.errors import (
    InvalidStateError,
    NotFoundError,
    RefusedError,
    UsageError,
    cite,
)
from meta_experiment.model.fields import suggestion
from meta_experiment.records import dataclass
from meta_experiment.services.acting.action_plan import (
    ActionPlan,
    file_changes,
    outcome_of,
    without_stand_ins,
)
from meta_experiment.services.acting.analysing import Study, analyze, study
from meta_experiment.services.acting.execution import execute
from meta_experiment.services.acting.holdouts import (
    changed_by,
    open_holdout,
    promotion_of,
    require_launched_on,
)
from meta_experiment.services.acting.impacts import measured_impact
from meta_experiment.services.acting.lifecycle import OPEN, refuse_shared_files
from meta_experiment.services.find import find_in, require_status
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import (
    Action,
    Analysis,
    Decision,
    Experiment,
    OutcomeImpact,
    Status,
)
from meta_experiment.types.results.action import ActionResult
from meta_experiment.workflows.workflow_names import acting_command

_UNDECIDED = (Status.RUNNING, Status.PAUSED, Status.EXPIRED)


@dataclass(frozen=True, slots=True)
class ActionOptions:
    """The options of promote and rollback; `by_auto` says that no person asked for it."""

    reason: str = ""
    override: str | None = None
    variant: str | None = None
    merge: bool = False
    current: Mapping[str, str] | None = None
    commit: bool = True
    by_auto: bool = False


def promote(
    workspace: Workspace, selector: str, options: ActionOptions, *, dry_run: bool
) -> ActionResult:
    """Put a treatment in the place of the control.

    A dry run shows the change also where the evidence does not say PROMOTE, and that it does
    not.

    Raises:
        RefusedError: the evidence does not say PROMOTE and no override reason was given.
        InvalidStateError: it has not started, or has ended. DriftError: a file was edited.
        ConflictError: another command changed the experiment meanwhile.
    """
    experiment = find_in(workspace.store, selector)
    if experiment.plan.holdout is not None:
        raise InvalidStateError(
            f"{experiment.experiment_id} is a holdout: what it watches is promoted already.",
            hint="To bring the text before back: meta-experiment rollback "
            f"{experiment.plan.holdout.of}",
        )
    require_status(experiment, _UNDECIDED, "promoted")
    refuse_alone(experiment, "promoted")
    studied = study(workspace, experiment, options.current, explore=True)
    try:
        return promote_judged(workspace, experiment, studied, options, dry_run=dry_run)
    except RefusedError as refusal:
        if not dry_run or options.override is not None:
            raise
        leading = _leading(experiment, studied.examination.analysis, options)
        as_if = replace(options, override=refusal.message, variant=leading)
        shown = promote_judged(workspace, experiment, studied, as_if, dry_run=True)
        return replace(
            shown,
            message=f"{leading} would not be promoted now: {refusal.message}",
            override=None,
            refused=refusal.message,
            hint=refusal.hint,
        )


def _leading(experiment: Experiment, analysis: Analysis, options: ActionOptions) -> str:
    """Return the treatment that is asked for, else the one that looks best so far."""
    best = leading(analysis)
    looks_best = best.treatment if best else experiment.plan.treatments[0].name
    return options.variant or analysis.winner or looks_best


def promote_judged(
    workspace: Workspace,
    experiment: Experiment,
    studied: Study,
    options: ActionOptions,
    *,
    dry_run: bool,
) -> ActionResult:
    """Promote on a study of exactly this experiment. Raises as `promote` does."""
    analysis = studied.examination.analysis
    _require_free(workspace, experiment)
    _require_stored(experiment)
    winner = _winner(experiment, analysis, options)
    outcome = outcome_of(
        workspace, Action.PROMOTE, analysis, options.override or analysis.reason, winner
    )
    impact = measured_impact(studied, winner)
    outcome = replace(
        outcome,
        winner=winner,
        override=options.override,
        impact=impact,
        by_auto=options.by_auto,
    )
    targets = workspace.store.variant(experiment, winner)
    control = experiment.plan.control.name
    files, user_content = file_changes(
        workspace,
        experiment,
        bases={path: arms[control] for path, arms in experiment.versions.items()},
        targets=targets,
        merged=options.merge,
    )
    plan = ActionPlan(experiment, outcome, files, "changed", user_content)
    return execute(workspace, plan, commit=options.commit, dry_run=dry_run)


def rollback(
    workspace: Workspace, selector: str, options: ActionOptions, *, dry_run: bool
) -> ActionResult:
    """Bring back what stood there before the promotion; before one, end the experiment.

    A holdout of it ends with that. Of a holdout it is the promotion that is taken back.

    Raises:
        InvalidStateError: there is nothing to roll back. DriftError: a file was edited since.
        ConflictError: another command changed the experiment meanwhile. RefusedError: as
            `take_back`.
    """
    allowed = (*_UNDECIDED, Status.PROMOTED)
    experiment = _opened(workspace, selector, allowed, "rolled back")
    if experiment.plan.holdout is not None:
        return rollback(workspace, experiment.plan.holdout.of, options, dry_run=dry_run)
    refuse_alone(experiment, "rolled back")
    if experiment.status is not Status.PROMOTED:
        reason = options.reason or "by hand"
        return end(workspace, experiment, Action.ROLLBACK, reason, dry_run=dry_run)
    holdout = open_holdout(workspace.store.experiments(), experiment.experiment_id)
    return take_back(workspace, experiment, holdout, options, dry_run=dry_run)


def take_back(
    workspace: Workspace,
    experiment: Experiment,
    holdout: Experiment | None,
    options: ActionOptions,
    *,
    dry_run: bool,
    ended_by: Study | None = None,
) -> ActionResult:
    """Bring back what stood there before a promotion, then end the holdout that watched it.

    Where that was launched here, texts and paths are those that it holds under this machine's
    seal. A process that is killed between the two leaves a holdout of what is promoted no
    more, which the next look ends. `ended_by` is what says why it ends, if anything does.

    Raises:
        RefusedError: the registry says another promotion than the holdout was launched on.
        DriftError, ConflictError: as `rollback`; nothing was changed.
    """
    require_status(experiment, (Status.PROMOTED,), "rolled back")
    promotion = promotion_of(experiment)
    reason = options.reason or "by hand"
    outcome = replace(
        promotion,
        action=Action.ROLLBACK,
        at=workspace.clock(),
        reason=reason,
        override=None,
        commit=None,
        by_auto=options.by_auto,
    )
    changed = changed_by(promotion)
    if holdout is not None and workspace.checkout.started_here(holdout):
        require_launched_on(holdout, experiment)
    holder = holdout or experiment  # whose stand-in is in the place of the file
    files, user_content = file_changes(
        workspace,
        holder,
        bases={path: pair.after for path, pair in changed.items()},
        targets={
            path: None if pair.before is None else workspace.stored(holder, path, pair.before)
            for path, pair in changed.items()
        },
        merged=options.merge,
    )
    plan = ActionPlan(experiment, outcome, files, "restored", user_content)
    done = execute(workspace, plan, commit=options.commit, dry_run=dry_run)
    if holdout is None or dry_run:
        return done
    why = f"the promotion of {experiment.experiment_id} is taken back: {reason}"
    if ended_by is not None:
        end_answered(workspace, holdout, ended_by, dry_run=False)
    else:
        end(workspace, holdout, Action.EXPIRE, why, dry_run=False)
    return done


def end_answered(
    workspace: Workspace, holdout: Experiment, studied: Study, *, dry_run: bool
) -> ActionResult:
    """End a holdout that has its answer, with what the promotion saves by its own units."""
    analysis = studied.examination.analysis
    return end(
        workspace,
        holdout,
        Action.EXPIRE,
        analysis.reason,
        dry_run=dry_run,
        analysis=analysis,
        impact=measured_impact(studied, PROMOTED),
    )


def stop(workspace: Workspace, selector: str, reason: str, *, dry_run: bool) -> ActionResult:
    """End an experiment without a decision; the control stays.

    Raises:
        InvalidStateError: it is not running or paused.
        ConflictError: another command changed the experiment meanwhile.
    """
    experiment = _opened(workspace, selector, OPEN, "stopped")
    return end(workspace, experiment, Action.EXPIRE, reason, dry_run=dry_run)


def end(
    workspace: Workspace,
    experiment: Experiment,
    action: Action,
    reason: str,
    *,
    dry_run: bool,
    analysis: Analysis | None = None,
    impact: OutcomeImpact | None = None,
    by_auto: bool = False,
) -> ActionResult:
    """End an experiment whose files hold the control; only a stand-in is exchanged for it.

    Raises:
        ConflictError: another command changed the experiment meanwhile.
    """
    if analysis is None and experiment.status is not Status.DRAFT:
        analysis = analyze(workspace, experiment.experiment_id).analysis
    outcome = outcome_of(workspace, action, analysis, reason)
    outcome = replace(outcome, impact=impact, by_auto=by_auto)
    files, user_content = without_stand_ins(workspace, experiment)
    plan = ActionPlan(experiment, outcome, files, "restored", user_content)
    # git never saw a stand-in, so that there is nothing to commit and nothing to say of it
    done = replace(execute(workspace, plan, commit=False, dry_run=dry_run), commit_note=None)
    if dry_run and not done.changed:
        return replace(done, message="would end the experiment; no file changes.")
    return done


def refuse_alone(experiment: Experiment, done: str) -> None:
    """Refuse to do alone what the machines of a team do together.

    Raises:
        RefusedError: it is a team's experiment; the hint says how it is done.
    """
    team = experiment.plan.team
    if team is None:
        return
    name, last = experiment.experiment_id, experiment.outcome
    hint = (
        "It is decided by the evidence of all machines: meta-experiment auto. To leave it "
        f"on this one: meta-experiment stop {name}"
    )
    if experiment.status is Status.PROMOTED:
        commit = last.commit[:12] if last and last.commit else "COMMIT"
        hint = f"Take it back where everybody pulls it: git revert {commit}, on {team.branch}"
    raise RefusedError(
        f"{name} is a team's, and is not {done} on one machine alone.", hint=hint
    )


def _opened(
    workspace: Workspace, selector: str, allowed: Sequence[Status], done: str
) -> Experiment:
    """Find an experiment that may be acted on."""
    experiment = find_in(workspace.store, selector)
    require_status(experiment, allowed, done)
    _require_free(workspace, experiment)
    return experiment


def _require_free(workspace: Workspace, experiment: Experiment) -> None:
    known = workspace.store.experiments()
    holdout = open_holdout(known, experiment.experiment_id)
    own = {experiment.experiment_id, holdout and holdout.experiment_id}
    refuse_shared_files(experiment, [item for item in known if item.experiment_id not in own])


def _winner(experiment: Experiment, analysis: Analysis, options: ActionOptions) -> str:
    treatments = [item.name for item in experiment.plan.treatments]
    if options.variant is not None and options.variant not in treatments:
        raise NotFoundError(
            f"{experiment.experiment_id} has no treatment {cite(options.variant)}.",
            hint=suggestion(options.variant, treatments)
            or f"Treatments: {', '.join(treatments)}.",
        )
    if options.override is not None:
        if not options.override.strip():
            raise UsageError("--override needs the reason in words; it stays on the record.")
        if options.variant is None and len(treatments) > 1 and analysis.winner is None:
            raise UsageError(
                f"Which treatment is to be promoted: {', '.join(treatments)}?",
                hint=f"Add --variant {treatments[0]}",
            )
        return options.variant or analysis.winner or treatments[0]
    if analysis.decision is not Decision.PROMOTE or analysis.winner is None:
        raise RefusedError(
            f"The evidence does not say PROMOTE: {analysis.decision.value} "
            f"({analysis.reason_code.value}), {analysis.reason}",
            hint=(
                f"Look closer: meta-experiment analyze {experiment.experiment_id}. To promote "
                "against the evidence, give --override 'reason'; it stays on the record."
            ),
        )
    if options.variant not in (None, analysis.winner):
        raise RefusedError(
            f"The winner is {cite(analysis.winner)}, not {cite(options.variant)}.",
            hint="To promote another one give --override 'reason'.",
        )
    return analysis.winner


def _require_stored(experiment: Experiment) -> None:
    if experiment.versions:
        return
    why = "comes from an older registry, which holds no copy of its files"
    if not experiment.plan.files:
        why = "was made from results measured elsewhere and has no prompt files"
    raise InvalidStateError(
        f"{experiment.experiment_id} {why}; it can be analysed, not promoted.",
        hint=acting_command(experiment.plan.name, experiment.plan.tags)
        or "Create an experiment on the file itself: meta-experiment create --help",
    )
