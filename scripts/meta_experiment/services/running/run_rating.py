"""Verdicts of a person on runs, given without knowing the variant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from meta_experiment.assign.uniform import sha256
from meta_experiment.errors import InvalidStateError, NotFoundError, UsageError, as_word, cite
from meta_experiment.files.lock import FileLock
from meta_experiment.records import dataclass
from meta_experiment.runs.criteria.judging import verdicts
from meta_experiment.services.running.run_difference import shortened
from meta_experiment.services.running.run_records import RunRecords, run_records
from meta_experiment.services.running.run_trials import trial_id
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.trial_log import EventKind, TrialEvent
from meta_experiment.types import Status
from meta_experiment.types.cases import CriterionKind, CriterionResult
from meta_experiment.types.results.run_rating import RunRating
from meta_experiment.types.runs import CellOutcome, RunCell

_JUDGED_BY_PEOPLE = (CriterionKind.MANUAL, CriterionKind.JUDGE)
_DIGITS = 10


@dataclass(frozen=True, slots=True)
class RunChoice:
    """The run that is meant: by its key, or by its cell."""

    key: str | None = None
    cell: RunCell | None = None


def next_run(
    workspace: Workspace, selector: str, most: int | None = None, *, beside: bool = False
) -> RunRating:
    """Return a run that waits for a verdict, in an order that says nothing of variants.

    Its answer is cut behind `most` characters. One that a judge has judged waits where a person
    is to judge `beside` it.

    Raises:
        NotFoundError: there is no such experiment, or no run of it here.
    """
    found = run_records(workspace, selector)
    waiting = _waiting(found, beside=beside)
    shown = waiting[0] if waiting else None
    return RunRating(
        experiment_id=found.experiment.experiment_id,
        run=_key(found, shown.cell) if shown else None,
        case=shown.cell.case_id if shown else None,
        variant=None,
        criterion=None,
        passed=None,
        open=_open(shown, beside=beside) if shown else (),
        waiting=len(waiting),
        prompt=found.folder.prompt(shown.cell).decode("utf-8", "replace") if shown else "",
        output=shortened(shown.report.output, most) if shown else "",
        metrics={},
    )


def rate_run(
    workspace: Workspace, selector: str, choice: RunChoice, criterion: str | None, passed: bool
) -> RunRating:
    """Note what a person says of a run, and complete its trial; durable on return.

    The first verdict on a criterion stands. The criterion may be left out where one waits.

    Raises:
        NotFoundError: there is no such run. UsageError: no such criterion, or one that needs
        no person. InvalidStateError: the experiment takes no trials any more.
        LockedError: runs of it are being made.
    """
    folder = run_records(workspace, selector).folder
    with FileLock(folder.lock, timeout=0.5, verb="runs rate"):
        found = run_records(workspace, selector)
        name = found.experiment.experiment_id
        if found.experiment.status is Status.ARCHIVED:
            raise InvalidStateError(f"{name} is archived and takes no trials.")
        chosen = _chosen(found, choice)
        outcome = folder.outcome(chosen.cell) or chosen  # without what it was held against
        result = _criterion(outcome, criterion)
        stands = passed if result.person is None else result.person
        outcome = _with(outcome, replace(result, person=stands))
        folder.conclude(outcome)
        added = _complete(workspace, found, outcome)
        rest = [item for item in _waiting(found) if item.cell != outcome.cell]
        return RunRating(
            experiment_id=name,
            run=_key(found, outcome.cell),
            case=outcome.cell.case_id,
            variant=outcome.cell.variant if choice.cell else None,
            criterion=result.name,
            passed=stands,
            open=_open(outcome),
            waiting=len(rest) + bool(_open(outcome)),
            prompt="",
            output="",
            metrics=added,
            conflicts=() if stands == passed else (f"{result.name}: {_word(stands)}",),
        )


def _complete(
    workspace: Workspace, found: RunRecords, outcome: CellOutcome
) -> dict[str, float]:
    """Record what is known now and was not when the trial was; return it.

    A run that does not count yet takes it along when it does.
    """
    known = verdicts(outcome.criteria)
    trial = found.trials.get(trial_id(outcome.cell))
    if trial is None:
        return known
    added = {name: value for name, value in known.items() if name not in trial.metrics}
    if added:
        event = TrialEvent(
            kind=EventKind.RECORDED,
            at=workspace.clock(),
            trial_id=trial.trial_id,
            variant=trial.variant,
            unit=trial.unit,
            metrics=added,
        )
        workspace.store.append(found.experiment.experiment_id, [event])
    return added


def _with(outcome: CellOutcome, result: CriterionResult) -> CellOutcome:
    """Return an outcome with a person's verdict, which counts where no judge's does."""
    if result.passed is None:
        result = replace(result, passed=result.person, detail="")
    criteria = tuple(result if item.name == result.name else item for item in outcome.criteria)
    metrics = {**verdicts(criteria), **outcome.report.metrics}
    return replace(outcome, criteria=criteria, report=replace(outcome.report, metrics=metrics))


def _chosen(found: RunRecords, choice: RunChoice) -> CellOutcome:
    if choice.cell is not None:
        return found.find(choice.cell)
    for outcome in found.outcomes:
        if choice.key and _key(found, outcome.cell) == choice.key:
            return outcome
    raise NotFoundError(
        f"There is no run {cite(choice.key or '')}.",
        hint=f"meta-experiment runs rate {found.experiment.experiment_id} --next shows one.",
    )


def _criterion(outcome: CellOutcome, name: str | None) -> CriterionResult:
    askable = [item for item in outcome.criteria if item.kind in _JUDGED_BY_PEOPLE]
    listed = ", ".join(as_word(item.name) for item in askable)
    hint = f"A person is asked of: {listed or 'none of this run'}."
    if name is None:
        waiting = [item for item in askable if item.is_open]
        meant = waiting or askable
        if len(meant) == 1:
            return meant[0]
        if askable and not waiting:
            raise UsageError(
                "No criterion of this run waits for a verdict any more; one beside a judge's "
                "takes --criterion NAME.",
                hint=hint,
            )
        raise UsageError("Say which criterion: --criterion NAME.", hint=hint)
    for item in askable:
        if item.name == name:
            return item
    raise UsageError(f"{cite(name)} is no criterion that a person judges here.", hint=hint)


def _waiting(found: RunRecords, *, beside: bool = False) -> Sequence[CellOutcome]:
    runs = [item for item in found.outcomes if _open(item, beside=beside)]
    return sorted(runs, key=lambda item: _key(found, item.cell))


def _open(outcome: CellOutcome, *, beside: bool = False) -> tuple[str, ...]:
    return tuple(
        item.name
        for item in outcome.criteria
        if item.is_open or (beside and item.kind is CriterionKind.JUDGE and item.person is None)
    )


def _key(found: RunRecords, cell: RunCell) -> str:
    """Return a name of a run that says nothing of its variant."""
    plan = found.experiment.plan
    text = f"{found.experiment.experiment_id}\n{plan.seed}\n{trial_id(cell)}"
    return str(sha256(text.encode()).hexdigest()[:_DIGITS])


def _word(passed: bool) -> str:
    return "passed" if passed else "failed"
