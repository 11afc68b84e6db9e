"""Promote, roll back, stop, expire: what changes prompt files or ends an experiment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import field, replace

from meta_experiment.deploy import (
    ChangeSet,
    DeployResult,
    FileChange,
    Settled,
    commit_message,
    merge,
    new_change_id,
    unified_diff,
    version_of,
)
from meta_experiment.errors import (
    ConflictError,
    InvalidStateError,
    MetaExperimentError,
    NotFoundError,
    RefusedError,
    UsageError,
    cite,
)
from meta_experiment.files.confine import Content
from meta_experiment.files.interruption import held
from meta_experiment.model.fields import suggestion
from meta_experiment.model.registry import outcome_to_document
from meta_experiment.records import dataclass
from meta_experiment.services.acting.analysing import analyze
from meta_experiment.services.acting.lifecycle import HOLDING, noted, refuse_shared_files
from meta_experiment.services.acting.registry_commit import AFTER, register, require_unchanged
from meta_experiment.services.find import find_in, require_status
from meta_experiment.services.serving.placed import original, stand_in_version, without_stand_in
from meta_experiment.services.serving.reconciliation import Brought, reconcile_quietly, serving
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import (
    Action,
    Analysis,
    Decision,
    Experiment,
    FileVersion,
    Outcome,
    Replaced,
    Status,
)
from meta_experiment.types.results.action import (
    UNCHANGED,
    ActionResult,
    FileChangeResult,
)

_OPEN = (Status.RUNNING, Status.PAUSED, Status.EXPIRED)


@dataclass(frozen=True, slots=True)
class ActionOptions:
    """What a user says beside the verb."""

    reason: str = ""
    override: str | None = None
    variant: str | None = None
    merge: bool = False
    current: Mapping[str, str] | None = None
    commit: bool = True


@dataclass(frozen=True, slots=True)
class _Plan:
    """An action worked out to the byte: the files, the outcome, the words for the commit.

    `stood` is what stood at a path for the user where that is not what is found there: the
    control, with the user's edits, while a stand-in serves it.
    """

    experiment: Experiment
    outcome: Outcome
    files: tuple[FileChange, ...]
    verb: str
    stood: Mapping[str, Content] = field(default_factory=dict)


def promote(
    workspace: Workspace, given: str, options: ActionOptions, *, dry_run: bool
) -> ActionResult:
    """Put a treatment in the place of the control.

    A dry run shows the change also where the evidence does not say PROMOTE, and that it does
    not.

    Raises:
        RefusedError: the evidence does not say PROMOTE and no override reason was given.
        InvalidStateError: it has not started, or has ended. DriftError: a file was edited.
        ConflictError: another command changed the experiment meanwhile.
    """
    experiment = find_in(workspace.store, given)
    require_status(experiment, _OPEN, "promoted")
    analysis = analyze(workspace, experiment.experiment_id, options.current).analysis
    try:
        return promote_judged(workspace, experiment, analysis, options, dry_run=dry_run)
    except RefusedError as refusal:
        if not dry_run or options.override is not None:
            raise
        leading = _leading(experiment, analysis, options)
        as_if = replace(options, override=refusal.message, variant=leading)
        shown = promote_judged(workspace, experiment, analysis, as_if, dry_run=True)
        return replace(
            shown,
            message=f"{leading} would not be promoted now: {refusal.message}",
            override=None,
            refused=refusal.message,
            hint=refusal.hint,
        )


def _leading(experiment: Experiment, analysis: Analysis, options: ActionOptions) -> str:
    """Return the treatment that is asked for, else the one that looks best so far."""
    seen = {item.treatment: item.effect.relative for item in analysis.primary.comparisons}
    treatments = [item.name for item in experiment.plan.treatments]
    best = max(treatments, key=lambda name: seen.get(name) or 0.0)
    return options.variant or analysis.winner or best


def promote_judged(
    workspace: Workspace,
    experiment: Experiment,
    analysis: Analysis,
    options: ActionOptions,
    *,
    dry_run: bool,
) -> ActionResult:
    """Promote on an analysis of exactly this experiment. Raises as `promote` does."""
    _require_free(workspace, experiment)
    _require_stored(experiment)
    winner = _winner(experiment, analysis, options)
    outcome = _outcome(workspace, Action.PROMOTE, analysis, options.override or analysis.reason)
    outcome = replace(outcome, winner=winner, override=options.override)
    targets = workspace.store.variant(experiment, winner)
    control = experiment.plan.control.name
    files, stood = _changes(
        workspace,
        experiment,
        bases={path: arms[control] for path, arms in experiment.versions.items()},
        targets=targets,
        merged=options.merge,
    )
    plan = _Plan(experiment, outcome, files, "changed", stood)
    return _carry_out(workspace, plan, commit=options.commit, dry_run=dry_run)


def rollback(
    workspace: Workspace, given: str, options: ActionOptions, *, dry_run: bool
) -> ActionResult:
    """Bring back what stood there before the promotion; before one, end the experiment.

    Raises:
        InvalidStateError: there is nothing to roll back. DriftError: a file was edited since.
        ConflictError: another command changed the experiment meanwhile.
    """
    allowed = (*_OPEN, Status.PROMOTED)
    experiment = _opened(workspace, given, allowed, "rolled back")
    reason = options.reason or "by hand"
    if experiment.status is not Status.PROMOTED:
        return end(workspace, experiment, Action.ROLLBACK, reason, dry_run=dry_run)
    promotion = next(
        item for item in reversed(experiment.outcomes) if item.action is Action.PROMOTE
    )
    outcome = replace(
        promotion, action=Action.ROLLBACK, at=workspace.clock(), reason=reason, override=None
    )
    before = {path: pair.before for path, pair in promotion.files.items()}
    files, stood = _changes(
        workspace,
        experiment,
        bases={path: pair.after for path, pair in promotion.files.items()},
        targets={
            path: None if version is None else workspace.stored(experiment, path, version)
            for path, version in before.items()
        },
        merged=options.merge,
    )
    plan = _Plan(experiment, outcome, files, "restored", stood)
    return _carry_out(workspace, plan, commit=options.commit, dry_run=dry_run)


def stop(workspace: Workspace, given: str, reason: str, *, dry_run: bool) -> ActionResult:
    """End an experiment without a decision; the control stays.

    Raises:
        InvalidStateError: it is not running or paused.
        ConflictError: another command changed the experiment meanwhile.
    """
    experiment = _opened(workspace, given, HOLDING, "stopped")
    return end(workspace, experiment, Action.EXPIRE, reason, dry_run=dry_run)


def end(
    workspace: Workspace,
    experiment: Experiment,
    action: Action,
    reason: str,
    *,
    dry_run: bool,
    analysis: Analysis | None = None,
) -> ActionResult:
    """End an experiment whose files hold the control; only a stand-in is exchanged for it.

    Raises:
        ConflictError: another command changed the experiment meanwhile.
    """
    if analysis is None and experiment.status is not Status.DRAFT:
        analysis = analyze(workspace, experiment.experiment_id).analysis
    outcome = _outcome(workspace, action, analysis, reason)
    files, stood = list[FileChange](), dict[str, Content]()
    for path in experiment.versions:
        behind = _behind_stand_in(workspace, experiment, path)
        if behind is not None:
            stand_in, stood[path] = behind
            files.append(FileChange(path, stand_in, stood[path]))
    plan = _Plan(experiment, outcome, tuple(files), "restored", stood)
    # git never saw a stand-in, so that there is nothing to commit and nothing to say of it
    done = replace(_carry_out(workspace, plan, commit=False, dry_run=dry_run), commit_note=None)
    if dry_run and not done.changed:
        return replace(done, message="would end the experiment; no file changes.")
    return done


def _opened(
    workspace: Workspace, given: str, allowed: Sequence[Status], done: str
) -> Experiment:
    """Find an experiment that may be acted on."""
    experiment = find_in(workspace.store, given)
    require_status(experiment, allowed, done)
    _require_free(workspace, experiment)
    return experiment


def _require_free(workspace: Workspace, experiment: Experiment) -> None:
    name, known = experiment.experiment_id, workspace.store.experiments()
    refuse_shared_files(experiment, [item for item in known if item.experiment_id != name])


def _carry_out(
    workspace: Workspace, plan: _Plan, *, commit: bool, dry_run: bool
) -> ActionResult:
    experiment = plan.experiment
    change_id = new_change_id()
    outcome = replace(
        plan.outcome, change_id=change_id, files=_replaced(plan.files, plan.stood)
    )
    change = ChangeSet(
        change_id=change_id,
        experiment_id=experiment.experiment_id,
        action=outcome.action,
        files=plan.files,
        payload=outcome_to_document(outcome),
        message=_message(experiment, outcome, change_id) if commit else None,
    )
    if not dry_run:
        targets = [item.target for item in plan.files if item.target is not None]
        workspace.keep([*targets, *plan.stood.values()])
    try:
        result, notes = _applied(workspace, plan, change, outcome, dry_run=dry_run)
    except ConflictError:
        # the other command may have ended the serving, and undoing put the stand-in back
        reconcile_quietly(workspace)
        raise
    if not dry_run:
        return replace(_deed(experiment, outcome, result, plan.verb), notes=notes)
    if plan.stood:
        result = replace(result, diff=_difference(plan))
    return _deed(experiment, outcome, result, plan.verb)


def _applied(
    workspace: Workspace, plan: _Plan, change: ChangeSet, outcome: Outcome, *, dry_run: bool
) -> tuple[DeployResult, tuple[str, ...]]:
    """Change the files and the registry, and with it what is served; say what hindered.

    Others are kept from changing what is served from the registry's step on: the hooks of a
    commit, which come before, may take long.
    """
    experiment, notes = plan.experiment, list[str]()
    with ExitStack() as finishing:
        brings = list[Callable[[], Brought]]()

        def settle(done: Settled) -> None:
            brings.append(finishing.enter_context(serving(workspace)))
            told = (
                f"The {outcome.action.value} of {experiment.experiment_id} was finished first."
            )
            finishing.enter_context(held(told))
            register(workspace, done, experiment)

        result = workspace.deployer.apply(
            change,
            settle,
            still_due=lambda: require_unchanged(
                workspace.store.experiment(experiment.experiment_id), experiment
            ),
            dry_run=dry_run,
        )
        if dry_run:
            return result, ()
        try:
            notes += brings[-1]().notes
        except MetaExperimentError as error:
            notes.append(f"What is served is brought up to date by the next command: {error}")
        after = replace(experiment, status=AFTER[outcome.action])
        verb, reason = outcome.action.value, outcome.reason
        notes += noted(workspace, after, verb, experiment.status, reason)
    return result, tuple(notes)


def _deed(
    experiment: Experiment, outcome: Outcome, result: DeployResult, verb: str
) -> ActionResult:
    status = AFTER[outcome.action]
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
            *(FileChangeResult(path, verb) for path in result.changed),
            *(FileChangeResult(path, UNCHANGED) for path in result.unchanged),
        ),
        dry_run=result.dry_run,
        commit=result.commit.commit,
        commit_note=result.commit.reason or None,
        override=outcome.override,
        diff=result.diff if result.dry_run else "",
    )


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


def _changes(
    workspace: Workspace,
    experiment: Experiment,
    *,
    bases: Mapping[str, FileVersion | None],
    targets: Mapping[str, Content | None],
    merged: bool,
) -> tuple[tuple[FileChange, ...], dict[str, Content]]:
    """Work out each file, and what stood there for the user where a stand-in is found.

    With `merged`, edits made since are kept beside the change.
    """
    changes, stood = list[FileChange](), dict[str, Content]()
    for path, target in targets.items():
        base = bases[path]
        expected, wanted = _with_present_mode(workspace, path, base, target)
        behind = _behind_stand_in(workspace, experiment, path)
        if behind is not None and target is not None:
            expected, stood[path] = behind
            wanted = Content(target.data, stood[path].mode)
        elif merged and base is not None and target is not None:
            found = workspace.prompt(path)
            expected = found.version
            edited = without_stand_in(workspace, experiment.experiment_id, path, found)
            if edited != found:
                stood[path] = edited
            control = workspace.stored(experiment, path, base)
            wanted = merge(
                path, edited=edited, control=control, treatment=target, git=workspace.git
            )
        changes.append(FileChange(path, expected, wanted))
    return tuple(changes), stood


def _with_present_mode(
    workspace: Workspace, path: str, base: FileVersion | None, target: Content | None
) -> tuple[FileVersion | None, Content | None]:
    """Take a mode that changed alone, as git changes it on checkout, for no edit: keep it."""
    if base is None or target is None or not (workspace.root / path).exists():
        return base, target
    present = workspace.prompt(path)
    if present.sha256 != base.sha256 or present.mode == base.mode:
        return base, target
    return present.version, Content(target.data, present.mode)


def _behind_stand_in(
    workspace: Workspace, experiment: Experiment, path: str
) -> tuple[FileVersion, Content] | None:
    """Return the stand-in where exactly that stands at a path, and the control behind it."""
    found = stand_in_version(workspace, experiment, path)
    if found is None:
        return None
    data = original(workspace, experiment.experiment_id, path)
    return found, Content(data, found.mode)


def _replaced(
    files: tuple[FileChange, ...], stood: Mapping[str, Content]
) -> dict[str, Replaced]:
    """Say for the record what each file was to the user and is now, stand-ins left out."""
    pairs = {
        item.path: Replaced(
            version_of(stood[item.path]) if item.path in stood else item.expected,
            version_of(item.target),
        )
        for item in files
    }
    return {
        path: pair
        for path, pair in pairs.items()
        if path not in stood or pair.before != pair.after
    }


def _difference(plan: _Plan) -> str:
    return "".join(
        unified_diff(item.path, plan.stood.get(item.path), item.target)
        for item in plan.files
        if item.target != plan.stood.get(item.path)
    )


def _outcome(
    workspace: Workspace, action: Action, analysis: Analysis | None, reason: str
) -> Outcome:
    if analysis is None:
        return Outcome(action, workspace.clock(), None, None, reason)
    best = next(
        (item for item in analysis.primary.comparisons if item.treatment == analysis.winner),
        analysis.primary.comparisons[0] if analysis.primary.comparisons else None,
    )
    evidence = best.sequential if best else None
    return Outcome(
        action=action,
        at=workspace.clock(),
        decision=analysis.decision,
        reason_code=analysis.reason_code,
        reason=reason,
        improvement=best.effect.relative if best else None,
        e_value=None if evidence is None else min(evidence.e_promote, 1e308),
        trials=sum(item.trials for item in analysis.samples.values()),
    )


def _message(experiment: Experiment, outcome: Outcome, change_id: str) -> str:
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


def _require_stored(experiment: Experiment) -> None:
    if experiment.versions:
        return
    why = "comes from an older registry, which holds no copy of its files"
    if not experiment.plan.files:
        why = "was made from results measured elsewhere and has no prompt files"
    raise InvalidStateError(
        f"{experiment.experiment_id} {why}; it can be analysed, not promoted.",
        hint="Create an experiment on the file itself: meta-experiment create --help",
    )
