"""A series of runs: what they come to is recorded, looked at, and acted on.

After every block of the complete beginning of the schedule the plan's rule looks at what is
recorded, as it does at live trials, and nothing more is started once it has decided, or
once what is left of the schedule can hardly bring it to a decision.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from meta_experiment.decide.case_limits import cases_to_decide
from meta_experiment.decide.due_actions import DUE, VERBS
from meta_experiment.decide.futility import ended_if_futile
from meta_experiment.errors import NotFoundError
from meta_experiment.git import Git
from meta_experiment.runs.budget import Budget
from meta_experiment.runs.fence import changed, standing
from meta_experiment.runs.runner import BlockSetAside, CountedBlock, Event, ReachedCap, Runner
from meta_experiment.services.acting.analysing import examine
from meta_experiment.services.acting.autopilot import auto_one
from meta_experiment.services.acting.promotion import end
from meta_experiment.services.find import find_in
from meta_experiment.services.running.run_plan import RunPlan
from meta_experiment.services.running.run_trials import (
    PlaceInTime,
    events_of,
    rests_on_verdicts,
    unknown_metrics,
)
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Action, Analysis, Decision, ReasonCode, Status
from meta_experiment.types.results.run import RunEnd, RunResult, RunsSetAside, RunsSpent

Tell = Callable[[RunPlan, Event, Budget], None]


class Series:
    """The runs of one call: what they come to is recorded, looked at and acted on."""

    def __init__(
        self,
        workspace: Workspace,
        planned: RunPlan,
        budget: Budget,
        reached: Git | None = None,
        *,
        open_verdicts: int = 0,
    ) -> None:
        """Begin with what is recorded.

        `reached` is the project's git where agents reach it, `open_verdicts` how many of the
        runs that are recorded wait for a person.
        """
        self._workspace, self._planned, self._budget = workspace, planned, budget
        self._experiment = planned.experiment
        self._reached = reached
        self._open_verdicts = open_verdicts
        self._place = PlaceInTime(planned.trials)
        self._trials = workspace.store.follow(planned.experiment.experiment_id)
        self._notes: list[str] = []
        self._aside: list[RunsSetAside] = []
        self._counted = planned.runs - planned.runs_left
        self._waiting = 0

    def run(self, runner: Runner, tell: Tell) -> RunResult:
        """Run until the answer is known, and act on it where the plan says so."""
        before = standing(self._reached) if self._reached else {}
        analysis, cut = self._run(runner, tell)
        if self._reached and (told := changed(before, standing(self._reached))):
            self._notes.append(told)
        self._waiting = runner.waiting
        if cut is not None:
            return self._result(cut[0], analysis, cut[1])
        if analysis is not None and not _is_open(analysis):
            return self._decided(analysis)
        return self._exhausted(analysis)

    def _run(
        self, runner: Runner, tell: Tell
    ) -> tuple[Analysis | None, tuple[RunEnd, str] | None]:
        """Record and look; return the last look, and what ended the runs before an answer."""
        analysis = self._look() if self._planned.trials else None
        cut = None
        with closing(runner.events()) as events:
            for event in events if _is_open(analysis) else ():
                halted = self._halted()
                if halted is not None:
                    return analysis, (RunEnd.HALTED, halted)
                match event:
                    case CountedBlock():
                        analysis = self._count(event)
                    case BlockSetAside(cell, reason):
                        aside = RunsSetAside(cell.case_id, cell.repeat, reason)
                        self._aside.append(aside)
                    case ReachedCap(reason):
                        cut = (RunEnd.CAPPED, f"It stopped, as {reason}.")
                tell(self._planned, event, self._budget)
                if not _is_open(analysis):
                    return analysis, None
        return analysis, cut

    def _halted(self) -> str | None:
        """Take up what was changed by another command; say so where that ends the runs."""
        name = self._experiment.experiment_id
        try:
            self._experiment = self._workspace.store.experiment(name)
        except NotFoundError:
            return f"{name} was put away meanwhile."
        status = self._experiment.status
        return None if status is Status.RUNNING else f"{name} is {status.value} meanwhile."

    def _count(self, block: CountedBlock) -> Analysis:
        """Record a block, all of it or none, and look."""
        plan, cases = self._experiment.plan, self._planned.cases
        moments = self._place.of_block(block.outcomes, self._workspace.clock())
        events = [
            event
            for at, outcome in zip(moments, block.outcomes, strict=True)
            for event in events_of(
                outcome, cases[outcome.cell.case_id], plan, block.contest, at
            )
        ]
        self._workspace.store.append(self._experiment.experiment_id, events)
        self._counted += len(block.outcomes)
        self._open_verdicts += sum(item.awaits_verdict for item in block.outcomes)
        for name in unknown_metrics(block.outcomes, plan):
            note = f"{name} was measured and is not recorded: the plan does not name it."
            if note not in self._notes:
                self._notes.append(note)
        return self._look()

    def _look(self, exhausted: str | None = None) -> Analysis:
        planned, before = self._planned, len(self._planned.others)
        log = self._trials(self._experiment)
        found = examine(self._workspace, self._experiment, exhausted=exhausted, log=log)
        if self._waits_for_a_person:
            return found.analysis
        return ended_if_futile(
            self._experiment.plan,
            found.analysis,
            cases=planned.cases_in_all,
            done=(self._counted + before) / (planned.runs + before),
        )

    @property
    def _waits_for_a_person(self) -> bool:
        """Whether verdicts are to come that the plan rests on: what they say is not known."""
        return bool(self._open_verdicts) and rests_on_verdicts(self._experiment.plan)

    def _decided(self, analysis: Analysis) -> RunResult:
        if analysis.reason_code is ReasonCode.FUTILE:
            return self._expired(RunEnd.FUTILE, analysis)
        name, action = self._experiment.experiment_id, DUE[analysis.decision]
        if self._experiment.plan.auto:
            step = auto_one(self._workspace, name, commit=True)
            self._notes.append(step.sentence)
        elif action is not None:
            self._notes.append(f"Next: meta-experiment {VERBS[action]} {name}")
        return self._result(RunEnd.DECIDED, analysis, analysis.reason)

    def _exhausted(self, analysis: Analysis | None) -> RunResult:
        """End the experiment where nothing more can come, unless blocks were set aside."""
        cases = len(self._planned.cases)
        if self._aside or analysis is None:
            aside = len(self._aside)
            blocks = "1 block was" if aside == 1 else f"{aside} blocks were"
            again = f"{blocks} set aside; run it again to try anew."
            return self._result(RunEnd.EXHAUSTED, analysis, again)
        if self._planned.probing and self._counted < self._planned.runs:
            made = f"The first {self._counted} runs are made, and count."
            return self._result(RunEnd.PROBED, analysis, made)
        if self._waits_for_a_person:
            name = self._experiment.experiment_id
            self._notes.append(f"Next: meta-experiment runs rate {name} --next")
            self._notes.append("Then run it again, on the same cases: no run is made twice.")
            waits = f"All runs are made; {self._open_verdicts} of them wait for your verdict."
            return self._result(RunEnd.EXHAUSTED, analysis, waits)
        point = f"after all runs of its {cases} cases"
        analysis = self._look(exhausted=point)
        if analysis.decision is not Decision.INCONCLUSIVE:
            return self._decided(analysis)
        return self._expired(RunEnd.EXHAUSTED, analysis)

    def _expired(self, ended: RunEnd, analysis: Analysis) -> RunResult:
        """End the experiment without an answer; more cases take it up again."""
        end(
            self._workspace,
            self._experiment,
            Action.EXPIRE,
            analysis.reason,
            dry_run=False,
            analysis=analysis,
        )
        plan = self._experiment.plan
        enough = self._planned.cases_in_all >= cases_to_decide(plan)
        more = "More cases or more --repeats go" if enough else "More cases go"
        self._notes.append(f"{more} on from here: run it again with them.")
        return self._result(ended, analysis, analysis.reason)

    def _result(self, ended: RunEnd, analysis: Analysis | None, reason: str) -> RunResult:
        planned, budget = self._planned, self._budget
        over = ended in (RunEnd.DECIDED, RunEnd.FUTILE, RunEnd.EXHAUSTED)
        name = self._experiment.experiment_id
        return RunResult(
            experiment_id=name,
            status=find_in(self._workspace.store, name).status,
            ended=ended,
            decision=analysis.decision if analysis else None,
            reason_code=analysis.reason_code if analysis else None,
            reason=reason,
            runs=planned.runs,
            counted=self._counted,
            waiting=self._waiting,
            saved=planned.runs - self._counted if over and not self._aside else 0,
            set_aside=tuple(self._aside),
            spent=taken(budget),
            outlook=planned.outlook,
            notes=tuple(self._notes),
            analysis=analysis,
        )


def taken(budget: Budget) -> RunsSpent:
    """Return what a budget says was spent."""
    return RunsSpent(budget.usd, budget.tokens, budget.unpriced, budget.judge_unpriced)


def _is_open(analysis: Analysis | None) -> bool:
    return analysis is None or analysis.decision is Decision.EXTEND
