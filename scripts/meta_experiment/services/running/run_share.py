"""A share of runs, made and not counted; and runs that were made, counted and not made."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from meta_experiment.git import Git
from meta_experiment.runs.budget import Budget
from meta_experiment.runs.fence import changed, standing
from meta_experiment.runs.run_folder import RunFolder
from meta_experiment.runs.runner import (
    MOST_ATTEMPTS,
    UNSEEN,
    BlockSetAside,
    CountedBlock,
    ReachedCap,
    Runner,
)
from meta_experiment.services.running.run_plan import RunPlan
from meta_experiment.services.running.run_series import Tell, taken
from meta_experiment.types.results.run import RunEnd, RunResult, RunsSetAside
from meta_experiment.types.runs import CellOutcome, Contest, ContestOutcome, RunCell


class Nobody:
    """A team that makes nothing."""

    def begin(self, cell: RunCell | Contest, slot: int) -> None:
        """Never be asked: the budget refuses."""
        raise AssertionError(cell, slot)

    def next(self) -> Sequence[CellOutcome | ContestOutcome]:
        """Return nothing, as nothing is under way."""
        return ()

    def close(self) -> None:
        """Do nothing."""


class ClosedBudget(Budget):
    """A budget that lets no run start."""

    def refusal(self, under_way: int, seconds: float) -> str:
        """Say so."""
        del under_way, seconds
        return "no run is to be made in this call"


def given_up(folder: RunFolder, planned: RunPlan) -> dict[RunCell, str]:
    """Return the runs that came to nothing often enough, or whose text nobody saw, and why."""
    wanted = {cell for block in planned.left for cell in block.cells}
    found = {}
    for record in folder.records():
        if record.cell not in wanted:
            continue
        if record.outcome is not None:
            if record.outcome.report.received is False:
                found[record.cell] = UNSEEN
        elif record.failure is not None and len(folder.attempts(record.cell)) >= MOST_ATTEMPTS:
            found[record.cell] = record.failure.reason
    return found


def make_share(
    runner: Runner, planned: RunPlan, budget: Budget, reached: Git | None, tell: Tell
) -> RunResult:
    """Make runs and count none: no trial is recorded, nothing is looked at or acted on.

    `reached` is the project's git where agents reach it.
    """
    before = standing(reached) if reached else {}
    aside: list[RunsSetAside] = []
    ended, cut = 0, None
    with closing(runner.events()) as events:
        for event in events:
            match event:
                case CountedBlock(outcomes):
                    ended += len(outcomes)
                case BlockSetAside(cell, reason):
                    aside.append(RunsSetAside(cell.case_id, cell.repeat, reason))
                case ReachedCap(reason):
                    cut = f"It stopped, as {reason}."
            tell(planned, event, budget)
    told = changed(before, standing(reached)) if reached else None
    name = planned.experiment.experiment_id
    whole = f"The share is made. Next: meta-experiment runs pack {name} --out FILE"
    return RunResult(
        experiment_id=name,
        status=planned.experiment.status,
        ended=RunEnd.CAPPED if cut else RunEnd.SHARED,
        decision=None,
        reason_code=None,
        reason=cut or whole,
        runs=planned.runs,
        counted=planned.runs - planned.runs_left,
        waiting=ended + runner.waiting,
        saved=0,
        set_aside=tuple(aside),
        spent=taken(budget),
        outlook=planned.outlook,
        notes=() if told is None else (told,),
    )
