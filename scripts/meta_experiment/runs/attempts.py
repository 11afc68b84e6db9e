"""One attempt at a cell, from the checkout to the verdict: straight on, in one thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from meta_experiment.errors import GitError, NotFoundError
from meta_experiment.files.confine import Content
from meta_experiment.records import dataclass
from meta_experiment.runs.agents import Agent
from meta_experiment.runs.agents.agent import Task, Texts
from meta_experiment.runs.asking import Asking
from meta_experiment.runs.checkouts import Arm
from meta_experiment.runs.criteria.judging import judged, verdicts
from meta_experiment.runs.criteria.run_work import GivenUpError, RunWork
from meta_experiment.runs.fence import Fence
from meta_experiment.runs.grading import Around
from meta_experiment.runs.run_folder import AttemptStart, RunFolder, clear
from meta_experiment.runs.shown_works import shown_work
from meta_experiment.runs.stopping import StopSign
from meta_experiment.runs.supervising import Launch, ProgramEnding
from meta_experiment.runs.work_tree import Changes
from meta_experiment.types import TrialStatus
from meta_experiment.types.cases import Case, CriterionResult
from meta_experiment.types.runs import (
    AgentReport,
    CellOutcome,
    Failure,
    FailureKind,
    RunCell,
    Spent,
)

_GLANCE = 0.5  # seconds between two looks at whether to stop


class Supervisor(Protocol):
    """What starts programs and tells how they ended (`supervising`, but in tests)."""

    def launch(self, launch: Launch) -> None:
        """Start a program and return."""

    def ended(self, folders: Iterable[Path], within: float) -> dict[Path, ProgramEnding]:
        """Wait so many seconds for the end of one of these programs or more."""

    def stop(self, folder: Path) -> None:
        """End a program and all that it started."""


class Checkouts(Protocol):
    """Where agents work: one slot for each that runs at a time."""

    def prepare(self, number: int, arm: Arm, commit: str | None = None) -> Path:
        """Return the project of a slot, with the files of a variant in it."""

    def project(self, number: int) -> Path:
        """Return the project of a slot as it stands."""

    def stands(self, number: int) -> bool:
        """Tell whether a slot is still what was prepared."""

    def changes(self, number: int) -> Changes:
        """Return what an agent has changed in a slot."""

    def keep_work(self, number: int, folder: Path) -> None:
        """Keep what `changes` saw, to be merged."""


@dataclass(frozen=True, slots=True)
class Bench:
    """All that an attempt needs: cases and arms by name, where, by whom, under whose watch.

    The control is the first arm. `prompts` are the files of an arm that are put before the
    model; others only lie there.
    """

    cases: Mapping[str, Case]
    arms: Mapping[str, Mapping[str, Content | None]]
    prompts: Sequence[str]
    folder: RunFolder
    checkouts: Checkouts
    agent: Agent
    supervisor: Supervisor
    command: Callable[[Task, str, float, StopSign, Around], tuple[int | None, str]]
    clock: Callable[[], float]
    judge: Agent | None = None
    fence: Fence = Fence()


def attempt(bench: Bench, cell: RunCell, slot: int, stopping: StopSign) -> CellOutcome:
    """Make a run, or see the one that goes on in this slot to its end, and judge it.

    What is no fault of the agent's is not concluded: the cell is to be run again.
    """
    case = bench.cases[cell.case_id]
    begun = bench.folder.under_way(cell)
    if begun is None:
        checkout = bench.checkouts.prepare(slot, bench.arms[cell.variant], case.commit)
        start = AttemptStart(slot, bench.clock(), case.sha256, str(checkout))
        folder = bench.folder.begin(cell, start, case.prompt.encode())
        task = _task(bench, cell, checkout, folder)
        launch = bench.agent.launch(task)
        bench.supervisor.launch(bench.fence.around(launch, _own(bench, task, slot)))
    else:
        folder, start = begun
        task = _task(bench, cell, bench.checkouts.project(start.slot), folder)
    report = _seen_to_its_end(bench.supervisor, bench.agent, task, stopping)
    spent = replace(report.spent, cut=report.status is not TrialStatus.OK)
    report = replace(report, spent=spent)
    if not bench.checkouts.stands(slot):
        lost = Failure(FailureKind.OURS, "its checkout was cleared away")
        report = replace(report, failure=lost)
    outcome = CellOutcome(
        cell=cell,
        report=report,
        criteria=(),
        started=start.at,
        ended=bench.clock(),
        attempts=int(folder.name),
    )
    if not _is_undecided(outcome):
        outcome = _judged(bench, task, slot, outcome, stopping)
        if not _is_undecided(outcome):
            bench.folder.conclude(outcome)
    bench.folder.read_off(folder, outcome.report.spent, outcome.report.failure)
    clear(folder)
    return outcome


def _task(bench: Bench, cell: RunCell, checkout: Path, folder: Path) -> Task:
    own = _texts(bench, cell.variant)
    return Task(
        case=bench.cases[cell.case_id],
        checkout=checkout,
        attempt=folder,
        texts=own,
        others=tuple(
            text for text in (_texts(bench, name) for name in bench.arms) if text != own
        ),
    )


def _texts(bench: Bench, variant: str) -> Texts:
    arm = bench.arms[variant]
    return {path: content.data for path in bench.prompts if (content := arm.get(path))}


def _own(bench: Bench, task: Task, slot: int) -> tuple[Path, ...]:
    """Return what a run may write to."""
    return bench.folder.slots / str(slot), task.attempt


def _is_undecided(outcome: CellOutcome) -> bool:
    failure = outcome.report.failure
    return failure is not None and not failure.kind.counts


def _seen_to_its_end(
    supervisor: Supervisor, agent: Agent, task: Task, stopping: StopSign
) -> AgentReport:
    """Wait for the end of a program; end one that goes on in vain, and say why."""
    failure: Failure | None = None
    while True:
        for ending in supervisor.ended([task.attempt], _GLANCE).values():
            report = agent.report(task, ending)
            return report if failure is None else replace(report, failure=failure)
        failure = agent.stuck(task)
        if failure is not None or stopping.is_set():
            supervisor.stop(task.attempt)


def _judged(
    bench: Bench, task: Task, slot: int, outcome: CellOutcome, stopping: StopSign
) -> CellOutcome:
    """Return the outcome with what became of the checkout and what the criteria say.

    Where it cannot be judged it has that failure, and is to be run again.
    """
    report, changes = outcome.report, None
    try:
        changes = bench.checkouts.changes(slot)
    except NotFoundError:
        gone = Failure(FailureKind.AGENT, "it took its own checkout away")
        report = replace(report, status=TrialStatus.ERROR, failure=report.failure or gone)
    except GitError:  # by what it left in there
        pass
    seen = _seen(changes)
    results: tuple[CriterionResult, ...] = ()
    asking = None if bench.judge is None else judge_of(bench, outcome.cell.name, stopping)
    if report.status is TrialStatus.OK:
        work = RunWork(
            output=report.output,
            checkout=task.checkout,
            tools=report.tools,
            inputs=report.tool_inputs,
            changed=None if changes is None else changes.files,
            run_command=lambda command, within: bench.command(
                task,
                command,
                within,
                stopping,
                lambda launch: bench.fence.around(launch, _own(bench, task, slot)),
            ),
            task=task.case.prompt,
            shown=shown_work(
                bench.folder,
                outcome.cell,
                report.output,
                b"" if changes is None else changes.patch,
            ),
            ask=asking,
        )
        try:
            results = judged(task.case, work)
        except GivenUpError as error:
            return replace(
                outcome,
                report=replace(report, failure=error.failure),
                judging=_spent(asking),
            )
        known = verdicts(results)
    else:  # of a run that failed it is known that it did not succeed
        known = {"success": 0.0} if task.case.checks else {}
    if changes is not None:
        bench.folder.keep_patch(outcome.cell, changes.patch)
        if changes.files:
            with suppress(GitError):  # what cannot be packed cannot be merged, and counts
                bench.checkouts.keep_work(slot, bench.folder.work(outcome.cell))
    metrics = {**seen, **report.metrics, **known}
    report = replace(report, metrics=metrics)
    judged_by = (asking.identity, asking.model) if asking and asking.asked else ("", "")
    return replace(
        outcome,
        report=report,
        criteria=results,
        judging=_spent(asking),
        judge=judged_by[0],
        judge_model=judged_by[1],
    )


def _spent(asking: Asking | None) -> Spent:
    return Spent(0.0, 0.0) if asking is None else asking.spent


@dataclass(frozen=True, slots=True)
class Bar:
    """All that a question to a judge needs: whom, in which folder, under whose watch."""

    judge: Agent
    folder: RunFolder
    supervisor: Supervisor
    fence: Fence

    def asking(self, about: str, stopping: StopSign) -> Asking:
        """Return what asks the judge; `about` names what it judges."""

        def make(agent: Agent, task: Task) -> AgentReport:
            launch = agent.launch(task)
            self.supervisor.launch(self.fence.around(launch, (task.attempt,)))
            return _seen_to_its_end(self.supervisor, agent, task, stopping)

        return Asking(self.judge, self.folder, about, make)


def judge_of(bench: Bench, about: str, stopping: StopSign) -> Asking:
    """Return what asks the judge of a bench that has one; `about` names what it judges."""
    assert bench.judge is not None  # noqa: S101 - for the type checker
    bar = Bar(bench.judge, bench.folder, bench.supervisor, bench.fence)
    return bar.asking(about, stopping)


def _seen(changes: Changes | None) -> dict[str, float]:
    """Return how much was changed, nothing where that is not known."""
    if changes is None:
        return {}
    return {"files_touched": float(len(changes.files)), "lines_changed": float(changes.lines)}
