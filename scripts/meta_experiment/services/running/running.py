"""Runs of an experiment's variants on cases, until the answer is known.

Whatever ends this program, the next call goes on from there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from meta_experiment.errors import DependencyError, StorageError
from meta_experiment.files.interruption import held
from meta_experiment.files.lock import FileLock
from meta_experiment.runs import supervising
from meta_experiment.runs.agents import Agent
from meta_experiment.runs.asking import identity
from meta_experiment.runs.base import Base, base_of
from meta_experiment.runs.budget import Budget, Caps
from meta_experiment.runs.checkouts import Slots
from meta_experiment.runs.executors import TeamWork, hire
from meta_experiment.runs.fence import fence
from meta_experiment.runs.run_folder import RunFolder
from meta_experiment.runs.runner import Known, Runner
from meta_experiment.runs.workplace import Workplace, made
from meta_experiment.services.acting.lifecycle import resume, start
from meta_experiment.services.running.clearing import end_judges
from meta_experiment.services.running.held_out import opened
from meta_experiment.services.running.run_parts import require_same_base
from meta_experiment.services.running.run_plan import RunPlan, RunRequest
from meta_experiment.services.running.run_records import records_of, run_folder
from meta_experiment.services.running.run_series import Series, Tell, taken
from meta_experiment.services.running.run_share import (
    ClosedBudget,
    Nobody,
    given_up,
    make_share,
)
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment, Status
from meta_experiment.types.results.run import RunResult
from meta_experiment.types.runs import (
    CellOutcome,
    ContestOutcome,
    RunBlock,
    RunCell,
    Spent,
)


def run(workspace: Workspace, planned: RunPlan, request: RunRequest, tell: Tell) -> RunResult:
    """Make runs until the plan's rule decides, all are made, or a cap is reached.

    Raises:
        DependencyError: git or the agent is missing. LockedError: somebody else runs it.
        RefusedError: nothing can run as it is set up. StorageError: there is no room for it.
    """
    if request.count_only:
        return _counted(workspace, planned, request, tell)
    request.agent.require()
    if request.judge is not None:
        request.judge.require()
    git = workspace.git
    if git is None:
        raise DependencyError(
            "git is not installed; every run gets a checkout of its own by it.",
            hint="Make git available on PATH.",
        )
    folder = run_folder(workspace, planned.experiment.experiment_id)
    with _alone(workspace, folder):
        experiment = planned.experiment
        if request.share is None:
            experiment = _running(workspace, experiment)
        told = opened(workspace, experiment, request.held_out) if request.held_out else []
        base = base_of(git, workspace.root, folder.folder / "base")
        require_same_base(folder, base.commit)
        around = fence(git, Path(workspace.machine.data), os.environ)
        slots = Slots(git, base, folder.slots, workspace.root.name, around)
        try:
            for case in planned.cases.values():
                if case.commit is not None:
                    slots.resolve(case.commit)
            place = _place(workspace, experiment, planned, folder, base)
            agents = (request.agent, request.judge)
            bench = place.bench(folder, slots, around, agents, workspace.clock)
            known = _known(folder, planned, request.judge)
            _stop_others(folder, known)
            budget = _budget(folder, request.caps)
            work = TeamWork(partial(made, bench), place, request.at_once)
            team = hire(request.employment, work, fenced=bool(around.program))
            runner = Runner(
                planned.to_make,
                planned.cases,
                known,
                budget,
                team,
                slots=request.at_once,
            )
            reached = None if team.fenced else git
            if request.share is not None:
                done = make_share(runner, planned, budget, reached, tell)
            else:
                series = Series(
                    workspace,
                    replace(planned, experiment=experiment),
                    budget,
                    reached,
                    open_verdicts=records_of(workspace, experiment).open_trials,
                )
                done = series.run(runner, tell)
            return replace(
                done,
                spent=taken(
                    _budget(folder, request.caps)
                ),  # with what was under way at the end
                notes=(*told, *_not_held(base), *done.notes),
            )
        finally:
            with held():
                slots.dispose()


def _counted(
    workspace: Workspace, planned: RunPlan, request: RunRequest, tell: Tell
) -> RunResult:
    """Count what was made, here or elsewhere, in the order of the schedule; make nothing."""
    folder = run_folder(workspace, planned.experiment.experiment_id)
    with _alone(workspace, folder):
        experiment = _running(workspace, planned.experiment)
        known = replace(
            _known(folder, planned, request.judge),
            under_way={},
            aside=given_up(folder, planned),
        )
        runner = Runner(
            planned.left, planned.cases, known, ClosedBudget(request.caps), Nobody(), slots=1
        )
        series = Series(
            workspace,
            replace(planned, experiment=experiment),
            _budget(folder, request.caps),
            open_verdicts=records_of(workspace, experiment).open_trials,
        )
        return series.run(runner, tell)


def _budget(folder: RunFolder, caps: Caps) -> Budget:
    """Return what all runs took so far, held against the caps."""
    budget = Budget(caps)
    for bill in folder.bills():
        budget.spend(bill)
    return budget


@contextmanager
def _alone(workspace: Workspace, folder: RunFolder) -> Iterator[None]:
    """Be the only one who runs it; tell what the file system refuses, which loses nothing."""
    try:
        workspace.files.make_directory(folder.folder)
        with FileLock(folder.lock, timeout=0.5, verb="run"):
            yield
    except OSError as error:
        raise StorageError(
            f"{error.filename or folder.folder} cannot be used: {error.strerror}.",
            hint="Put that right, then run this again: what has ended is not run twice.",
        ) from error


def _not_held(base: Base) -> Iterator[str]:
    """Say what runs have not, or do not keep, that a user may expect."""
    if base.empty:
        yield (
            f"Empty in every run, as they are not checked out here: {', '.join(base.empty)}. "
            "For the next experiment `git submodule update --init --recursive` fills them."
        )
    short = supervising.shortcoming(sys.platform)
    if short is not None:
        yield short


def _running(workspace: Workspace, experiment: Experiment) -> Experiment:
    """Return the experiment as one that runs: a draft begins, one that rests goes on."""
    name = experiment.experiment_id
    if experiment.status is Status.DRAFT:
        return start(workspace, name, manual=True).experiment
    if experiment.status in (Status.PAUSED, Status.EXPIRED):
        return resume(workspace, name).experiment
    return experiment


def _place(
    workspace: Workspace,
    experiment: Experiment,
    planned: RunPlan,
    folder: RunFolder,
    base: Base,
) -> Workplace:
    variants = {variant for block in planned.blocks for variant in block.variants}
    return Workplace(
        root=workspace.root,
        data=Path(workspace.machine.data),
        folder=folder.folder,
        base=base,
        cases=planned.cases,
        arms={
            item.name: workspace.store.variant(experiment, item.name)
            for item in experiment.plan.variants
            if item.name in variants
        },
        prompts=tuple(experiment.plan.files),
    )


def _known(folder: RunFolder, planned: RunPlan, judge: Agent | None) -> Known:
    """Read from the disk what runs that are not recorded yet came to, and which go on.

    Those of a case that said something else then are none of its own.
    """
    outcomes: dict[RunCell, CellOutcome] = {}
    under_way: dict[RunCell, int] = {}
    for cell in (cell for block in planned.to_make for cell in block.cells):
        begun, outcome = folder.under_way(cell), folder.outcome(cell)
        if outcome is not None and outcome.report.received is not False:
            if begun is not None and int(begun[0].name) == outcome.attempts:
                folder.read_off(begun[0], outcome.report.spent)
            if folder.ended(cell, planned.cases[cell.case_id].sha256) is not None:
                outcomes[cell] = outcome
        elif begun is not None and begun[1].case == planned.cases[cell.case_id].sha256:
            under_way[cell] = begun[1].slot
    contests = {
        block.contest: found
        for block in planned.left
        if block.contested and (found := _still(folder, block, outcomes, judge)) is not None
    }
    return Known(outcomes, under_way, contests)


def _still(
    folder: RunFolder,
    block: RunBlock,
    outcomes: Mapping[RunCell, CellOutcome],
    judge: Agent | None,
) -> ContestOutcome | None:
    """Return what a judge prefers, where it is the same judge and the same runs."""
    found = folder.contest(block.contest)
    began = {outcomes[cell].started for cell in block.cells if cell in outcomes}
    if found is None or judge is None or found.judge != identity(judge):
        return None
    same = len(found.began) == len(block.cells) and set(found.began) == began
    return found if same else None


def _stop_others(folder: RunFolder, known: Known) -> None:
    """Stop what a runner that was killed left at work and nobody asks for any more.

    It would go on in a checkout that another run gets.
    """
    wanted = {folder.attempts(cell)[-1] for cell in known.under_way}
    for path in [path for path in folder.unread() if path not in wanted]:
        supervising.end(path)
        folder.read_off(path, Spent(cut=True))
    end_judges(folder)
