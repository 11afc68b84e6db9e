"""Whole offline series in virtual time: the services themselves, with runs that are drawn.

Nothing is a twin here: `Series` records into a store in memory, `Runner` keeps the schedule and
`examine` looks after every block. Only the team is made up: an attempt ends when its drawn
duration is over, the earliest first. Looks that cannot decide are passed over, for speed. The
project is an empty folder of this process.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from statistics import fmean as mean
from statistics import stdev
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
from tests.store.memory import MemoryStore

from meta_experiment.decide import doubts
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.machine import Machine
from meta_experiment.files.roots import Layout
from meta_experiment.model.metrics import describe
from meta_experiment.runs import runner
from meta_experiment.runs.budget import Budget, Caps
from meta_experiment.runs.frontier import Frontier
from meta_experiment.runs.schedule import schedule
from meta_experiment.services.acting.analysing import examine
from meta_experiment.services.running import run_series
from meta_experiment.services.running.run_plan import RunPlan
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.local.checkout import Checkout
from meta_experiment.types import (
    Decision,
    Experiment,
    Plan,
    ReasonCode,
    Scale,
    Status,
    TrialStatus,
    Unit,
    Variant,
)
from meta_experiment.types.cases import Case
from meta_experiment.types.results.run import RunResult
from meta_experiment.types.runs import AgentReport, CellOutcome, Failure, FailureKind, Spent

BEGAN = 1_760_000_000.0
NAME = "exp-2026-01-01-offline"
PROJECT = TemporaryDirectory(prefix="offline-", ignore_cleanup_errors=True)
RARE = ReasonCode.RARE_VALUES_UNCERTAIN
OPEN = SimpleNamespace(
    analysis=SimpleNamespace(
        decision=Decision.EXTEND, reason_code=ReasonCode.EVIDENCE_INSUFFICIENT
    )
)
Z_OF_5_PER_CENT = 1.6448

Draw = Callable[[np.random.Generator, tuple[int, int, int]], "Runs"]


@dataclass(frozen=True)
class Runs:
    """What the runs of a series come to; arrays by arm, case and repeat.

    `seconds` are how long they take, `failed` those that the machine fails at every attempt,
    `status` how they end, `success` whether they do what was asked.
    """

    seconds: np.ndarray
    success: np.ndarray | None = None
    failed: np.ndarray | None = None
    status: np.ndarray | None = None


@dataclass(frozen=True)
class World:
    """A world: what is drawn, in which shape, and what is planned."""

    draw: Draw
    cases: int = 40
    repeats: int = 1
    at_once: int = 1
    arms: int = 2
    metric: str = "active_seconds"
    scale: Scale | None = None
    minimum: int = 10
    threshold: float = 0.0


class Unordered(Frontier):
    """A frontier without order: whatever pairs happen to be complete count at once."""

    def complete(self) -> Iterator[tuple[tuple[CellOutcome, ...], None]]:
        for block in self._blocks:
            if all(cell in self._outcomes for cell in block.cells):
                yield tuple(self._outcomes.pop(cell) for cell in block.cells), None


class VirtualTeam:
    """A team whose attempts end when their time is over."""

    def __init__(self, outcome: Callable[..., CellOutcome]) -> None:
        self.now, self._outcome = BEGAN, outcome
        self._running: list[tuple[float, int, CellOutcome]] = []
        self._begun = 0

    def begin(self, cell, slot) -> None:
        del slot
        outcome = self._outcome(cell, self.now)
        self._begun += 1
        heapq.heappush(self._running, (outcome.ended, self._begun, outcome))

    def next(self) -> list[CellOutcome]:
        self.now, _, outcome = heapq.heappop(self._running)
        return [outcome]

    def close(self) -> None:
        self._running.clear()


@cache
def _workspace() -> Workspace:
    layout, files = Layout(Path(PROJECT.name).resolve()), FileSystem()
    checkout = Checkout(layout, files, lambda *_: frozenset())
    return Workspace(
        layout, files, checkout, MemoryStore(checkout), None, lambda: BEGAN, Machine.here()
    )


def series(
    world: World,
    seed: int,
    *,
    ordered: bool = True,
    futility: bool = False,
    doubtful: bool = True,
    every_look: bool = False,
) -> RunResult:
    """Run one whole series of a world.

    Args:
        world: what is drawn and planned.
        seed: of all that is drawn.
        ordered: blocks count in the order of the schedule, as they do.
        futility: what can hardly decide stops. Without it the most is promoted.
        doubtful: a promotion must stand a rare value, as it must.
        every_look: look after every block, also where no e-value can have reached the bar.
    """
    rng = np.random.default_rng(seed)
    metric = describe(world.metric)
    metric = replace(metric, scale=world.scale or metric.scale)
    arms = ("control", *(f"t{number}" for number in range(1, world.arms)))
    plan = Plan(
        name="offline",
        hypothesis="none",
        files=(),
        variants=tuple(map(Variant, arms)),
        primary=metric,
        unit=Unit.CASE,
        sample_size=world.minimum,
        improvement_threshold=world.threshold,
        seed=seed,
    )
    space = _workspace()
    team = VirtualTeam(_drawn(world, arms, rng))
    space = replace(space, store=MemoryStore(space.checkout), clock=lambda: team.now)
    experiment = Experiment(NAME, plan, "0" * 64, Status.RUNNING, BEGAN, {}, started=BEGAN)
    space.store.add(lambda _: experiment)
    cases = {
        f"c{number:03}": Case(f"c{number:03}", "", "0" * 64) for number in range(world.cases)
    }
    blocks = schedule(seed, list(cases), arms, world.repeats)
    planned = RunPlan(experiment, cases, blocks, blocks, (), (), ())
    budget = Budget(Caps())
    with ExitStack() as changed:
        if not ordered:
            changed.enter_context(patch.object(runner, "Frontier", Unordered))
        if not doubtful:
            stands = [item for item in doubts.STANDS if item[0] is not RARE]
            changed.enter_context(patch.object(doubts, "STANDS", stands))
        if not futility:
            changed.enter_context(patch.object(run_series, "ended_if_futile", _as_it_is))
        if not (every_look or futility):
            changed.enter_context(patch.object(run_series, "examine", _examine_if_telling))
        runs = runner.Runner(
            blocks, cases, runner.Known({}, {}), budget, team,
            slots=world.at_once, clock=lambda: team.now,
        )  # fmt: skip
        return run_series.Series(space, planned, budget).run(runs, lambda *_: None)


def _as_it_is(_, analysis, **__):
    return analysis


def _examine_if_telling(workspace, experiment, *, exhausted=None, log=None):
    """Look where the t of the cases' differences passes what one look at 5% takes.

    An e-value of 20 has a chance of 5% at the most, so that it takes a larger t.
    """
    if exhausted is None and not _is_telling(workspace, experiment):
        return OPEN
    return examine(workspace, experiment, exhausted=exhausted, log=log)


def _is_telling(workspace, experiment) -> bool:
    plan, values = experiment.plan, defaultdict(lambda: defaultdict(list))
    for trial in workspace.store.trials(experiment).trials:
        if trial.status is not TrialStatus.OK:
            return True
        value = trial.metrics[plan.primary.name]
        logged = math.log(value) if plan.primary.scale is Scale.LOG else value
        values[trial.unit][trial.variant].append(logged)
    control = plan.control.name
    for treatment in plan.treatments:
        found = [mean(arms[treatment.name]) - mean(arms[control]) for arms in values.values()]
        if len(found) > 2:
            spread = stdev(found) / math.sqrt(len(found))
            if abs(mean(found)) > Z_OF_5_PER_CENT * spread:
                return True
    return False


def _drawn(world: World, arms: tuple[str, ...], rng: np.random.Generator):
    runs = world.draw(rng, (world.arms, world.cases, world.repeats))

    def outcome(cell, began: float) -> CellOutcome:
        place = arms.index(cell.variant), int(cell.case_id[1:]), cell.repeat - 1
        seconds = float(runs.seconds[place])
        fails = runs.failed is not None and bool(runs.failed[place])
        metrics = {world.metric: seconds}
        if runs.success is not None:
            metrics = {"success": float(runs.success[place])}
        report = AgentReport(
            TrialStatus.OK if runs.status is None else runs.status[place],
            "",
            metrics,
            Spent(0.0, 0.0),
            failure=Failure(FailureKind.MACHINE, "overloaded") if fails else None,
        )
        return CellOutcome(cell, report, (), began, began + seconds)

    return outcome


def unequal(rng, shape):
    """Draw arms of equal mean logarithm, of which the treatment varies much more."""
    spread = np.where(np.arange(shape[0]) == 0, 0.1, 0.8)[:, None, None]
    return Runs(np.exp(3 + _of_case(rng, shape, 0.5) + spread * rng.normal(size=shape)))


def opposed(rng, shape, *, spread=0.4):
    """Draw effects that differ by case around zero."""
    effect = spread * rng.normal(size=shape[1])[None, :, None] * _treated(shape)
    logs = _of_case(rng, shape, 0.5) + effect + 0.3 * rng.normal(size=shape)
    return Runs(np.exp(3 + logs))


def alike(rng, shape, *, ratio=1.0, within=0.3):
    """Draw arms whose times differ by a ratio, and from run to run."""
    logs = _of_case(rng, shape, 0.5) + within * rng.normal(size=shape)
    return Runs(np.exp(3 + logs + math.log(ratio) * _treated(shape)))


def set_aside(rng, shape):
    """Draw runs of which the machine fails 5%, so that 10% of the pairs are set aside."""
    failed = rng.random(shape) < 0.05
    runs = unequal(rng, shape)
    return replace(runs, seconds=np.where(failed, 60.0, runs.seconds), failed=failed)


def rates(rng, shape):
    """Draw successes by the difficulty of the case, with errors and time-outs in both arms."""
    chance = rng.beta(2, 1, shape[1])[None, :, None]
    ends = rng.choice(3, shape, p=(0.91, 0.05, 0.04))
    status = np.array([TrialStatus.OK, TrialStatus.ERROR, TrialStatus.TIMEOUT], object)[ends]
    success = (rng.random(shape) < chance) & (ends == 0)
    return replace(alike(rng, shape), success=success, status=status)


def hanging(rng, shape):
    """Draw a treatment that is 21% faster in 88% of runs and hangs, 5.8 times as long, else."""
    base = alike(rng, shape).seconds
    ratio = np.where(rng.random(shape) < 0.12, 5.8, 0.79)
    return Runs(base * np.where(_treated(shape) == 1, ratio, 1.0))


def _of_case(rng, shape, spread):
    return spread * rng.normal(size=shape[1])[None, :, None]


def _treated(shape):
    return (np.arange(shape[0]) > 0).astype(float)[:, None, None]


def better(ratio: float, *, of_case: float = 0.0) -> Draw:
    """Return what draws a treatment that takes so much of the time, more or less by case."""

    def draw(rng, shape):
        base = alike(rng, shape, ratio=ratio).seconds
        effect = of_case * rng.normal(size=shape[1])[None, :, None] * _treated(shape)
        return Runs(base * np.exp(effect))

    return draw


twice_as_fast = better(0.5)
