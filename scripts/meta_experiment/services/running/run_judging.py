"""Runs judged once more: by another judge, or by other criteria, without making them again.

What was said of them when they were made stands, and decides alone: who could choose among
judges afterwards would choose the answer.
"""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

from meta_experiment.assign.uniform import sha256
from meta_experiment.errors import NotFoundError, RefusedError, UsageError
from meta_experiment.files.lock import FileLock
from meta_experiment.records import dataclass
from meta_experiment.runs import supervising
from meta_experiment.runs.agents import Agent
from meta_experiment.runs.asking import identity
from meta_experiment.runs.attempts import Bar
from meta_experiment.runs.budget import Budget, Caps
from meta_experiment.runs.cases.forms import read_cases
from meta_experiment.runs.contests import judged_again
from meta_experiment.runs.crew import Crew
from meta_experiment.runs.fence import Fence, fence
from meta_experiment.runs.hearing import Hearing
from meta_experiment.runs.run_folder import RunFolder
from meta_experiment.runs.stopping import StopSign
from meta_experiment.services.running.clearing import end_judges
from meta_experiment.services.running.judge_figures import (
    agreement_figures,
    judge_figures,
    preference_figures,
)
from meta_experiment.services.running.run_records import RunRecords, run_records
from meta_experiment.services.workspace import Workspace
from meta_experiment.types.cases import Case, Criterion, CriterionKind, CriterionResult
from meta_experiment.types.results.run_judging import JudgedBy, RunJudging, VariantVerdicts
from meta_experiment.types.results.run_summary import RunState
from meta_experiment.types.runs import (
    CellOutcome,
    Contest,
    ContestOutcome,
    FailureKind,
    RunCell,
    Spent,
)

_JUDGED = (CriterionKind.JUDGE, CriterionKind.PREFERENCE)
_DIGITS = 12
_VAIN = 3  # blocks that the machine fails one after the other

Block = Sequence[CellOutcome]


@dataclass(frozen=True, slots=True)
class JudgingRequest:
    """Request to judge runs: by whom, by which criteria, how many at once.

    Either the `cases` say by which, or a `target` that is to be met and what to `prefer` do;
    `criterion` is the name of the one that the target takes the place of.
    """

    judge: Agent
    cases: Path | None = None
    target: str = ""
    prefer: str = ""
    criterion: str = ""
    at_once: int = 1
    caps: Caps = Caps()


def judge_runs(workspace: Workspace, selector: str, request: JudgingRequest) -> RunJudging:
    """Judge the runs of an experiment that count, as far as this judge has not; durable.

    Raises:
        UsageError: by which criteria is not said, or twice. NotFoundError: no run counts, or
        none is of these cases. RefusedError: the judge cannot be asked.
        LockedError: runs of it are being made.
    """
    request.judge.require()
    folder = run_records(workspace, selector).folder
    with FileLock(folder.lock, timeout=0.5, verb="runs judge"):
        end_judges(folder)
        found = run_records(workspace, selector)
        cases = _cases(found, request)
        blocks = {
            contest: block
            for contest, block in _blocks(found).items()
            if contest.case_id in cases
        }
        if not blocks:
            name = found.experiment.experiment_id
            raise NotFoundError(
                f"No run of {name} counts that these criteria are for.",
                hint=f"See which there are: meta-experiment runs show {name}",
            )
        again = folder.again(_key(cases, request.judge))
        judging = _Judging(workspace, found, cases, again, request)
        left, reason = judging.run(blocks)
        return _told(found, cases, blocks, again, left, reason)


class _Judging:
    """The questions of one call, about blocks that this judge has not judged yet."""

    def __init__(
        self,
        workspace: Workspace,
        found: RunRecords,
        cases: Mapping[str, Case],
        again: RunFolder,
        request: JudgingRequest,
    ) -> None:
        self._found, self._cases, self._again, self._request = found, cases, again, request
        git = workspace.git
        around = fence(git, Path(workspace.machine.data), os.environ) if git else Fence()
        self._bar = Bar(request.judge, again, supervising, around)
        self._budget = Budget(request.caps)
        for bill in again.bills():
            self._budget.spend(bill)

    def run(self, blocks: Mapping[Contest, Block]) -> tuple[int, str]:
        """Ask till all is judged or a cap is reached; say how many are left, and why.

        Raises:
            RefusedError: nothing can be asked, or nothing of what is said can be read.
        """
        waiting = deque(one for one in blocks if not _is_known(self._again, one, blocks[one]))
        left, began, running = len(waiting), time.monotonic(), 0
        vain, reason, heard = 0, "", Hearing()
        crew = Crew(partial(self._judge, blocks), self._request.at_once)
        with closing(crew):
            while waiting or running:
                while waiting and running < self._request.at_once:
                    refusal = self._budget.refusal(running, time.monotonic() - began)
                    if refusal and not running:
                        return left, f"It stopped, as {refusal}."
                    if refusal:
                        break
                    crew.begin(waiting.popleft(), running)
                    running += 1
                for outcome in crew.next():
                    running -= 1
                    self._budget.spend(outcome.bill)
                    if outcome.failure is None:
                        heard.hear(outcome)
                        left, vain = left - 1, 0
                        continue
                    vain += 1
                    reason = f"Some could not be judged: {outcome.failure.reason}."
                    if outcome.failure.kind is FailureKind.SETUP or vain >= _VAIN:
                        raise RefusedError(
                            f"Nothing can be judged as it is: {outcome.failure.reason}.",
                            hint="Put that right, then judge again: nothing is asked twice.",
                        )
        return left, reason

    def _judge(
        self,
        blocks: Mapping[Contest, Block],
        cell: Contest | RunCell,
        slot: int,
        stopping: StopSign,
    ) -> ContestOutcome:
        del slot  # nothing works in a checkout
        contest = Contest(cell.case_id, cell.repeat)
        runs, folder = list(blocks[contest]), self._found.folder
        prompt = folder.prompt(runs[0].cell).decode("utf-8", "replace")
        outcome = judged_again(
            contest,
            replace(self._cases[cell.case_id], prompt=prompt),
            runs,
            folder,
            self._bar.asking(contest.name, stopping),
            self._found.experiment.plan.control.name,
        )
        if outcome.failure is None:
            self._again.keep_contest(outcome)
        return outcome


def _cases(found: RunRecords, request: JudgingRequest) -> dict[str, Case]:
    """Return by case the criteria by which its runs are judged.

    Raises:
        UsageError: there are none, or they are said twice.
    """
    own = bool(request.target or request.prefer)
    if own is (request.cases is not None):
        raise UsageError(
            "Expected criteria: either --cases PATH, or --target TEXT and --prefer TEXT.",
            hint="--target says what a run is to meet, --prefer which of two is better.",
        )
    if request.cases is not None:
        read = ((item.case_id, item.criteria) for item in read_cases(request.cases))
        known = {name: tuple(i for i in all_ if i.kind in _JUDGED) for name, all_ in read}
    else:
        criteria = tuple(_own(found, request))
        known = dict.fromkeys((run.cell.case_id for run in found.outcomes), criteria)
    cases = {name: Case(name, "", "", criteria) for name, criteria in known.items() if criteria}
    if not cases:
        raise UsageError("None of these cases has a criterion of the type judge or preference.")
    return cases


def _own(found: RunRecords, request: JudgingRequest) -> Iterator[Criterion]:
    if request.target:
        named = {
            item.name
            for run in found.outcomes
            for item in run.criteria
            if item.kind is CriterionKind.JUDGE
        }
        name = request.criterion or (named.pop() if len(named) == 1 else "target")
        yield Criterion(name, CriterionKind.JUDGE, request.target)
    if request.prefer:
        yield Criterion("prefer", CriterionKind.PREFERENCE, request.prefer)


def _blocks(found: RunRecords) -> dict[Contest, Block]:
    """Return the runs that count, by case and repeat, the control's first."""
    blocks: dict[Contest, list[CellOutcome]] = {}
    states = found.states
    for run in found.outcomes:
        if states[run.cell] is RunState.COUNTS:
            blocks.setdefault(Contest(run.cell.case_id, run.cell.repeat), []).append(run)
    return dict(blocks)


def _key(cases: Mapping[str, Case], judge: Agent) -> str:
    """Return what tells a judge and its criteria from others."""
    asked = {
        name: [(item.name, item.kind, item.target, item.weight) for item in case.criteria]
        for name, case in sorted(cases.items())
    }
    return str(sha256(json.dumps([identity(judge), asked]).encode()).hexdigest())[:_DIGITS]


def _is_known(again: RunFolder, contest: Contest, block: Block) -> bool:
    found = again.contest(contest)
    return found is not None and _is_about(found, block)


def _is_about(found: ContestOutcome, block: Block) -> bool:
    """Tell whether these very runs were judged, not runs in whose place they were made."""
    return found.began == tuple(run.started for run in block)


def _told(
    found: RunRecords,
    cases: Mapping[str, Case],
    blocks: Mapping[Contest, Block],
    again: RunFolder,
    left: int,
    reason: str,
) -> RunJudging:
    contests = {
        one.cell: one
        for one in again.contests()
        if one.cell in blocks and _is_about(one, blocks[one.cell])
    }
    runs = [
        _with_verdicts(run, contests[contest])
        for contest, block in blocks.items()
        if contest in contests
        for run in block
    ]
    before = {run.cell: run for block in blocks.values() for run in block}
    compared = [
        (first, item.passed)
        for run in runs
        for item in run.criteria
        if item.passed is not None
        and (first := _first(before[run.cell], item.name)) is not None
    ]
    listed = dict.fromkeys(
        (item.name, item.kind, item.target) for case in cases.values() for item in case.criteria
    )
    return RunJudging(
        experiment_id=found.experiment.experiment_id,
        folder=str(again.folder),
        criteria=tuple(JudgedBy(*item) for item in listed),
        blocks=len(contests),
        left=left,
        reason=reason,
        verdicts=tuple(_verdicts(runs)),
        preferences=tuple(preference_figures(list(contests.values()))),
        judge=judge_figures(runs, list(contests.values())),
        first_compared=len(compared),
        first=agreement_figures(compared),
    )


def _with_verdicts(run: CellOutcome, contest: ContestOutcome) -> CellOutcome:
    """Return a run as this judge sees it, beside what a person says."""
    people = {item.name: item.person for item in run.criteria}
    return replace(
        run,
        criteria=tuple(
            replace(item, person=people.get(item.name))
            for item in contest.checks.get(run.cell.variant, ())
        ),
        judging=Spent(0.0, 0.0),
        judge="",
    )


def _first(run: CellOutcome, name: str) -> bool | None:
    """Return what the first judge said by a criterion, where it did not contradict itself."""
    said = {item.name: item.answers for item in run.criteria if item.answers}.get(name, ())
    return said[0] if len(set(said)) == 1 else None


def _verdicts(runs: Sequence[CellOutcome]) -> Iterator[VariantVerdicts]:
    grouped: dict[tuple[str, str], list[CriterionResult]] = {}
    for run in runs:
        for item in run.criteria:
            grouped.setdefault((run.cell.variant, item.name), []).append(item)
    for (variant, name), items in grouped.items():
        said = [item.passed for item in items]
        yield VariantVerdicts(
            variant, name, said.count(True), said.count(False), said.count(None)
        )
