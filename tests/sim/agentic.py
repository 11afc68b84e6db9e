"""Experiments of agentic workflows from draw to decision, by the services themselves.

Each run gets its variant by the draw that `workflows pick` makes, and comes to numbers that are
drawn; what there is by then is imported again and again, as somebody would who looks often,
until the import says a decision. Nothing is a twin here: only what an import reads from files
lies in memory, as `gather` would return it, and what may be seen later is not computed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
from tests.store.memory import MemoryStore

from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.machine import Machine
from meta_experiment.files.roots import Layout
from meta_experiment.model.instants import DAY, day, to_text
from meta_experiment.services.workflows import standing
from meta_experiment.services.workflows.experiment_import import (
    PlanWishes,
    WorkflowRuns,
    import_experiment,
)
from meta_experiment.services.workflows.workflow_files import read_workflow
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.local.checkout import Checkout
from meta_experiment.types import Decision
from meta_experiment.workflows.outcomes.gathering import GatheredRuns
from meta_experiment.workflows.outcomes.measuring import RunOutcome
from meta_experiment.workflows.picking.variant_draws import ExperimentArms, draw
from meta_experiment.workflows.state.ledger import LedgerRun, RunLedger

BEGAN = 1_777_593_600.0  # 2026-05-01T00:00:00Z
NO_OUTLOOK = SimpleNamespace(reach=(), sentence="")
NAMES = ("dry", "warm", "bright", "loud")
FIRST_LOOK = 10  # runs per variant, which the workflow asks for
PATH = ".github/workflows/daily-report.md"
PROJECT = TemporaryDirectory(prefix="agentic-", ignore_cleanup_errors=True)

Numbers = dict[str, float]


@dataclass(frozen=True)
class AgenticWorld:
    """What a workflow declares, and what a run of each variant comes to."""

    arms: int
    metric: str
    numbers: Callable[[np.random.Generator, int], Numbers]
    weight: tuple[int, ...] = ()
    per_arm: int = 40
    every: int = 3  # runs per variant between two imports
    a_day: int = 4


@dataclass(frozen=True)
class AgenticEnd:
    """How an experiment ended: its decision, after so many runs, and who won."""

    decision: Decision
    runs: int
    winner: str | None


def alike(rng: np.random.Generator, _: int) -> Numbers:
    """Draw tokens, seconds and success of a run, whichever variant it had."""
    return _run(rng, 1.0)


def second_uses_less(rng: np.random.Generator, arm: int) -> Numbers:
    """Draw those of runs whose second variant takes 0.7 times as much."""
    return _run(rng, 0.7 if arm == 1 else 1.0)


def _run(rng: np.random.Generator, share: float) -> Numbers:
    return {
        "total_tokens": float(np.round(share * 20_000 * rng.lognormal(0, 0.4))),
        "duration_seconds": share * 300 * rng.lognormal(0, 0.6),
        "success": float(rng.random() < 0.85),
    }


def experiment(world: AgenticWorld, seed: int) -> AgenticEnd:
    """Return how one experiment ends, imported again and again."""
    *_, last = imports(world, seed)
    return last


def imports(world: AgenticWorld, seed: int) -> Iterator[AgenticEnd]:
    """Yield what every import says, to the first decision or the last run."""
    rng, now = np.random.default_rng(seed), [BEGAN]
    workspace = _workspace(world, now)
    file = read_workflow(workspace.root, PATH)
    (declared,) = file.specification.experiments
    arms = ExperimentArms("tone", {"weight": list(world.weight)}, declared.variants)
    counts: dict[str, int] = {}
    ledger, outcomes = list[LedgerRun](), list[RunOutcome]()
    for number in range(1, world.per_arm * world.arms + 1):
        now[0] += DAY / world.a_day
        drawn = draw(
            arms, day=day(now[0]), counts=counts, fractions=[rng.random()], key=str(number)
        )
        counts[drawn.variant] = counts.get(drawn.variant, 0) + 1
        numbers = world.numbers(rng, declared.variants.index(drawn.variant))
        text, own = to_text(now[0]), {"tone": drawn.variant}
        ledger.append(LedgerRun(str(number), own, text, now[0]))
        outcomes.append(_outcome(number, now[0], own, numbers))
        if number % (world.every * world.arms) or number < FIRST_LOOK * world.arms:
            continue
        state = RunLedger(tuple(ledger))
        found = GatheredRuns(tuple(outcomes), state, {}, (), 0, frozenset(), {}, {})
        read = WorkflowRuns(file, "runs", found, state)
        with patch.object(standing, "outlook", return_value=NO_OUTLOOK):
            told = import_experiment(workspace, declared, read, PlanWishes(), dry_run=False)
        stands = told.standing
        assert stands is not None
        yield AgenticEnd(stands.decision, number, stands.winner)
        if stands.decision is not Decision.EXTEND:
            return


def _outcome(number: int, at: float, own: dict[str, str], numbers: Numbers) -> RunOutcome:
    word = "success" if numbers["success"] else "failure"
    return RunOutcome(
        str(number), 1, at, word, numbers, own, "a-model", "copilot", None, "schedule", ()
    )


def _workspace(world: AgenticWorld, now: list[float]) -> Workspace:
    root = Path(PROJECT.name).resolve() / str(os.getpid())  # apart for those at once
    path = root / PATH
    path.parent.mkdir(parents=True, exist_ok=True)
    weight = f", weight: {list(world.weight)}" if world.weight else ""
    path.write_text(
        "---\non: daily\nexperiments:\n"
        f"  tone: {{variants: [{', '.join(NAMES[: world.arms])}], metric: {world.metric}, "
        f"min_samples: {FIRST_LOOK}{weight}}}\n---\n# Report\n"
    )
    layout, files = Layout(root), FileSystem()
    checkout = Checkout(layout, files, lambda *_: frozenset())
    return Workspace(
        layout, files, checkout, MemoryStore(checkout), None, lambda: now[0], Machine.here()
    )
