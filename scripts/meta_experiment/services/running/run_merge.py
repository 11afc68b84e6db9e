"""The work of one run, merged on request: onto a branch of its own, the checkout untouched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from meta_experiment.assign.uniform import sha256
from meta_experiment.errors import (
    DependencyError,
    NotFoundError,
    RefusedError,
    UsageError,
    as_word,
    cite,
)
from meta_experiment.files.interruption import held
from meta_experiment.files.lock import FileLock
from meta_experiment.git import Git
from meta_experiment.model.fields import suggestion
from meta_experiment.records import dataclass
from meta_experiment.runs.kept_work import find_work, make_branch, trial_merge
from meta_experiment.runs.plumbing import BRANCHES
from meta_experiment.services.acting.analysing import examine
from meta_experiment.services.running.run_records import RunRecords, run_records
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Action, Decision, Experiment, Status, TrialStatus
from meta_experiment.types.results.run_merge import RunMerge
from meta_experiment.types.runs import CellOutcome, RunCell

_PATIENCE = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """Request for the work of a run: on which case, which repeat, by which variant, to where.

    Without a repeat it is the first that the variant has, without a variant the winner. Another
    needs a reason (`override`).
    """

    case: str
    repeat: int | None = None
    variant: str | None = None
    override: str | None = None
    branch: str | None = None


def merge(
    workspace: Workspace, selector: str, request: MergeRequest, *, dry_run: bool
) -> RunMerge:
    """Merge the work of a run onto the commit that the user is at, as a new branch.

    The working tree, the index and `HEAD` are neither read nor written.

    Raises:
        NotFoundError: there is no such run, or its work was not kept. RefusedError: its variant
            did not win, it did not end well, it changed nothing, or the branch cannot be made.
        UsageError: the branch has no possible name. DependencyError: git is missing or too old.
        LockedError: another merge is at work. GitError: git fails.
    """
    git = workspace.git
    if git is None:
        raise DependencyError("git is not installed.", hint="Make git available on PATH.")
    found = run_records(workspace, selector)
    variant = _variant(workspace, found.experiment, request)
    outcome = _outcome(found, request, variant)
    cell = outcome.cell
    branch = request.branch or _branch(found.experiment.experiment_id, cell)
    _require_branch(git, branch)
    onto, head, prefix = _standing(git, workspace.root)
    work = find_work(found.folder.work(cell))
    if work is None:
        raise NotFoundError(
            f"What {variant} changed on case {cite(cell.case_id)} was not kept: it changed "
            "nothing, or more than can be kept.",
            hint=f"See: meta-experiment runs show {found.experiment.experiment_id} --case "
            f"{as_word(cell.case_id)}",
        )
    lenders = (str(found.folder.folder / "base" / "objects"),)
    scratch = found.folder.folder / "merge"
    with FileLock(scratch.with_suffix(".lock"), timeout=_PATIENCE, verb="runs merge"), held():
        tried = trial_merge(git, onto, work, lenders, prefix, scratch)
        if not tried.conflicts and not tried.files:
            raise RefusedError(
                f"There is nothing to merge: {head or onto[:12]} has all that this run changed."
            )
        made = ""
        if not tried.conflicts and not dry_run:
            message = f"{_subject(cell)}\n\nBy a run of {found.experiment.experiment_id}.\n"
            made = make_branch(git, branch, onto, tried, message)
    if made and request.override is not None:
        why = f"took over a run of {variant}: {request.override}"
        workspace.note(found.experiment, "merge", found.experiment.status, why)
    return RunMerge(
        experiment_id=found.experiment.experiment_id,
        case=cell.case_id,
        repeat=cell.repeat,
        variant=variant,
        head=head,
        onto=onto,
        commit=made,
        branch=branch if made else "",
        conflicts=tried.conflicts,
        files=tried.files,
        left_out=tried.left_out,
        failed=tuple(item.name for item in outcome.criteria if item.passed is False),
        dry_run=dry_run,
    )


def _variant(workspace: Workspace, experiment: Experiment, request: MergeRequest) -> str:
    """Return whose work is meant; the winner's, unless there is a reason for another."""
    name, won = experiment.experiment_id, _winner(workspace, experiment)
    wanted = request.variant or won
    known = [item.name for item in experiment.plan.variants]
    if wanted is not None and wanted not in known:
        raise NotFoundError(
            f"{name} has no variant {cite(wanted)}.", hint=suggestion(wanted, known)
        )
    if request.override is not None:
        if wanted is None:
            raise UsageError("Whose work is meant? --variant NAME")
        return wanted
    if won is None:
        raise RefusedError(
            f"No variant of {name} has won, so that the work of none is to be taken over.",
            hint=f"Go on with it (meta-experiment run {name}), or say why you want one all the "
            "same: --variant NAME --override 'reason'",
        )
    if wanted != won:
        raise RefusedError(
            f"{won} has won, not {wanted}.",
            hint="Leave --variant away, or say why: --override 'reason'",
        )
    return won


def _winner(workspace: Workspace, experiment: Experiment) -> str | None:
    """Return the variant that was promoted, else the one that would be."""
    if experiment.status is Status.PROMOTED:
        promotions = (it for it in reversed(experiment.outcomes) if it.action is Action.PROMOTE)
        return next((item.winner for item in promotions), None)
    analysis = examine(workspace, experiment).analysis
    return analysis.winner if analysis.decision is Decision.PROMOTE else None


def _outcome(found: RunRecords, request: MergeRequest, variant: str) -> CellOutcome:
    repeats = [request.repeat] if request.repeat else _repeats(found, request.case, variant)
    outcome = found.find(RunCell(request.case, repeats[0] if repeats else 1, variant))
    if outcome.report.status is not TrialStatus.OK:
        failure = outcome.report.failure
        raise RefusedError(
            f"This run did not end well: {failure.reason if failure else 'it failed'}.",
            hint="Name another: --repeat N",
        )
    return outcome


def _repeats(found: RunRecords, case: str, variant: str) -> Sequence[int]:
    """Return the repeats that ended, those that ended well first."""
    runs = [
        it for it in found.outcomes if (it.cell.case_id, it.cell.variant) == (case, variant)
    ]
    return [
        item.cell.repeat
        for item in sorted(
            runs, key=lambda it: (it.report.status is not TrialStatus.OK, it.cell.repeat)
        )
    ]


def _branch(experiment_id: str, cell: RunCell) -> str:
    mark = sha256(cell.name.encode()).hexdigest()[:6]
    return f"{experiment_id}/{cell.case_id}-{cell.repeat}-{mark}"


def _subject(cell: RunCell) -> str:
    return f"Work of {cell.variant} on {cell.case_id}"


def _require_branch(git: Git, name: str) -> None:
    """Refuse a name that no new branch can have, before anything is worked out."""
    impossible = name == "HEAD" or name.startswith("-")  # which git would take for its own
    if impossible or git.run("check-ref-format", f"{BRANCHES}{name}").code:
        raise UsageError(f"{cite(name)} is no name of a branch; expected one for --branch.")
    if not git.run("rev-parse", "-q", "--verify", f"{BRANCHES}{name}").code:
        raise RefusedError(
            f"There is a branch {name} already.", hint="Name another: --branch NAME"
        )


def _standing(git: Git, root: Path) -> tuple[str, str, str]:
    """Return the commit that the user is at, the branch if any, the way to the project."""
    git = replace(git, directory=root)
    commit = git.run("rev-parse", "-q", "--verify", "HEAD^{commit}")
    prefix = git.run("rev-parse", "--show-prefix")
    if prefix.code:
        raise RefusedError(
            f"{root} is no working tree of git.", hint="Name a checkout with --root DIR."
        )
    if commit.code:
        raise RefusedError(
            "There is no commit yet onto which a run could be merged.",
            hint="Commit something first.",
        )
    branch = git.run("symbolic-ref", "-q", "--short", "HEAD").output.decode("utf-8", "replace")
    return commit.output.decode().strip(), branch.strip(), prefix.output.decode().rstrip("\n")
