"""The plan of a call to run: which cases, in which order, and what is still to be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from meta_experiment.decide.case_limits import cases_to_decide
from meta_experiment.errors import (
    ConflictError,
    InvalidStateError,
    RefusedError,
    UsageError,
)
from meta_experiment.records import dataclass
from meta_experiment.runs.agents import Agent
from meta_experiment.runs.budget import Caps
from meta_experiment.runs.cases.forms import read_cases
from meta_experiment.runs.executors import Employment, require_executor
from meta_experiment.runs.run_shares import Share, within
from meta_experiment.runs.schedule import schedule
from meta_experiment.runs.scope import waves
from meta_experiment.services.find import find_in, require_status
from meta_experiment.services.kept_outside import RUNS, kept_outside
from meta_experiment.services.running.held_out import require_same_opened
from meta_experiment.services.running.run_outlook import outlook, price, verdicts_to_come
from meta_experiment.services.running.run_records import records_of
from meta_experiment.services.running.run_trials import (
    blocks_left,
    require_judge,
    require_same_agent,
    require_same_cases,
    require_same_judge,
)
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment, Plan, Status, Trial, Unit
from meta_experiment.types.cases import Case
from meta_experiment.types.results.run import RunEnd, RunResult, RunsSpent
from meta_experiment.types.runs import RunBlock

_OPEN = (Status.DRAFT, Status.RUNNING, Status.PAUSED, Status.EXPIRED)


@dataclass(frozen=True, slots=True)
class RunRequest:
    """Request for runs: where the cases lie, who does and judges them, how often, at once.

    `held_out` is the name of cases that were held out, where they are such. `another_agent`
    and `another_judge` let one go on from where another one was asked. `employment` says who
    makes the attempts. A `share` of the runs is made and none of it counted; `count_only`
    counts what was made and makes none.
    """

    cases: Path
    agent: Agent
    repeats: int = 1
    at_once: int = 1
    caps: Caps = Caps()
    held_out: str = ""
    judge: Agent | None = None
    another_judge: bool = False
    another_agent: bool = False
    employment: Employment = Employment()
    share: Share | None = None
    count_only: bool = False


@dataclass(frozen=True, slots=True)
class RunPlan:
    """Everything that is fixed before a run starts.

    `others` are the trials of earlier calls on cases that are not among these; they count.
    `probing` asks for the first block alone, to see what a run takes.
    """

    experiment: Experiment
    cases: Mapping[str, Case]
    blocks: tuple[RunBlock, ...]
    left: tuple[RunBlock, ...]
    trials: tuple[Trial, ...]
    others: tuple[Trial, ...]
    outlook: tuple[str, ...]
    probing: bool = False

    @property
    def to_make(self) -> tuple[RunBlock, ...]:
        """The blocks that this call is to make."""
        return self.left[:1] if self.probing else self.left

    @property
    def cases_in_all(self) -> int:
        """How many cases there will be evidence of."""
        return len(self.cases) + len({trial.unit for trial in self.others})

    @property
    def runs(self) -> int:
        """All runs of the schedule."""
        return runs_of(self.blocks)

    @property
    def runs_left(self) -> int:
        """Those that are not recorded yet."""
        return runs_of(self.left)


def runs_of(blocks: Sequence[RunBlock]) -> int:
    """Count the runs of blocks."""
    return sum(len(block.variants) for block in blocks)


def plan_runs(workspace: Workspace, selector: str | Experiment, request: RunRequest) -> RunPlan:
    """Work out what would be run; nothing is written and nothing is spent.

    The experiment may also be one that is about to be created.

    Raises:
        UsageError: the experiment's units are no cases, a case cannot be read, nobody would be
            asked for a preference, or the agent cannot go on in its conversation.
        InvalidStateError: it has ended. RefusedError: held-out cases are too few.
        ConflictError: a case was changed since it was run, others were run than the ones that
            were held out, or another agent or judge was asked.
    """
    experiment = selector
    if not isinstance(experiment, Experiment):
        experiment = find_in(workspace.store, experiment)
    require_status(experiment, _OPEN, "run")
    plan = experiment.plan
    if plan.unit is not Unit.CASE:
        raise UsageError(
            f"{experiment.experiment_id} is decided per {plan.unit.value}, in live use; "
            "expected one whose units are cases.",
            hint="Make one: meta-experiment create --unit case --file PATH=VARIANT_PATH …",
        )
    if not experiment.versions:
        raise InvalidStateError(
            f"{experiment.experiment_id} has no prompt file of which variants could be run.",
            hint="Create one on the file itself: meta-experiment create --help",
        )
    require_executor(request.employment)
    _require_sense(request)
    require_same_opened(workspace, experiment.experiment_id, request.held_out)
    cases = {item.case_id: item for item in read_cases(request.cases)}
    going_on = [item.case_id for item in cases.values() if item.history]
    if going_on and not request.agent.takes_history:
        raise UsageError(
            f"{len(going_on)} cases, {going_on[0]} the first, go on in a conversation, which "
            f"{request.agent.name} cannot take up.",
            hint="Run them by --agent claude, or leave them out.",
        )
    trials = tuple(workspace.store.trials(experiment).trials)
    require_same_cases(trials, cases)
    require_judge(plan, cases.values(), request.judge)
    known = kept_outside(workspace, RUNS) is not None
    ran = records_of(workspace, experiment, trials).outcomes if known else ()
    told = (
        *require_same_agent(ran, trials, request.agent, another=request.another_agent),
        *require_same_judge(trials, request.judge, another=request.another_judge),
    )
    others = tuple(trial for trial in trials if trial.unit not in cases)
    before = len({trial.unit for trial in others})
    if request.held_out and others:
        raise ConflictError(
            f"{experiment.experiment_id} has trials of {before} other cases than these; "
            "expected a decision on held-out cases alone.",
            hint="Make a new experiment of the tuned text: meta-experiment create --unit case",
        )
    ended = {item.treatment for item in experiment.ended_arms}
    variants = [item.name for item in plan.variants if item.name not in ended]
    if request.held_out:
        _require_enough(plan, len(cases))
    blocks = schedule(plan.seed, list(cases), variants, request.repeats)
    left = tuple(
        replace(block, contested=bool(request.judge and cases[block.case_id].preferences))
        for block in blocks_left(blocks, {item.trial_id for item in trials})
    )
    if request.share is not None:
        blocks, left = (within(request.share, some, blocks, cases) for some in (blocks, left))
    said = [*told, *outlook(experiment, trials, len(cases) + before)]
    if not request.count_only:
        metrics = [trial.metrics for trial in trials]
        said.append(price(metrics, runs_of(left), request.at_once))
    said += verdicts_to_come(
        experiment.experiment_id, cases, left, judged=request.judge is not None
    )
    return RunPlan(experiment, cases, blocks, left, trials, others, tuple(said))


def _require_sense(request: RunRequest) -> None:
    """Refuse wishes that cannot be met together. Raises UsageError."""
    share = request.share
    if share is not None and share.number > share.of:
        raise UsageError(f"There is no share {share}; expected one from 1/{share.of} on.")
    if share is not None and (request.held_out or request.count_only):
        raise UsageError(
            "A share of runs is made and not counted; expected --share without --holdout and "
            "--count-only.",
        )


def _require_enough(plan: Plan, cases: int) -> None:
    """Refuse to open held-out cases that are too few for any decision.

    Raises:
        RefusedError: says how many it takes.
    """
    fewest = cases_to_decide(plan)
    if cases < fewest:
        raise RefusedError(
            f"{cases} cases are held out, and this plan decides from {fewest} on; they would "
            "be opened for nothing.",
            hint="Hold out more of a larger set, or make the plan with a lower minimum: "
            "meta-experiment create --unit case --sample-size N",
        )


def needs_probe(workspace: Workspace, planned: RunPlan) -> bool:
    """Tell whether nothing tells what a run takes: none has ended, and none goes on."""
    if planned.trials or len(planned.left) < 2:
        return False
    records = records_of(workspace, planned.experiment).records
    return all(item.outcome is None and item.failure is not None for item in records)


def preview(workspace: Workspace, selector: str | Experiment, request: RunRequest) -> RunResult:
    """Say what would be run, and what may run at the same time."""
    planned = plan_runs(workspace, selector, request)
    experiment = planned.experiment
    return RunResult(
        experiment_id=experiment.experiment_id,
        status=experiment.status,
        ended=RunEnd.PREVIEW,
        decision=None,
        reason_code=None,
        reason=f"{planned.runs_left:,} of {planned.runs:,} runs are left.",
        runs=planned.runs,
        counted=planned.runs - planned.runs_left,
        waiting=0,
        saved=0,
        set_aside=(),
        spent=RunsSpent(0.0, 0.0, 0),
        outlook=planned.outlook,
        waves=waves(list(planned.cases.values())),
    )
