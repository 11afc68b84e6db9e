"""Table of agentic workflows: how often their experiments err, imported again and again."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.sim.agentic import (
    NAMES,
    AgenticWorld,
    alike,
    experiment,
    second_uses_less,
)

from meta_experiment.types import Decision

NATIVE = {"effective_tokens": 100, "run_duration_ms": 60, "run_success_rate": 24}
WEIGHTED = AgenticWorld(2, "effective_tokens", alike, weight=(70, 30))


def workflows_table(page, factor):
    """Write how often experiments of alike variants are decided, and how often a better one."""
    page.section(
        "Agentic workflows, from the draw to the decision",
        "Variants drawn as `workflows pick` draws them, the numbers of runs imported by "
        "`import --workflow` and decided by its rule: the services as they are, from ten runs "
        "per variant on after every third, to 40. Tokens have a log spread of 0.4, durations "
        "of 0.6, and 85% of runs succeed. gh-aw leaves each of these undecided for ever.",
        "metric", "variants", "second variant", "experiments", "promoted", "rejected",
    )  # fmt: skip
    worlds = [
        (AgenticWorld(arms, metric, alike), runs)
        for metric, runs in NATIVE.items()
        for arms in (2, 3, 4)
    ]
    worlds.append((WEIGHTED, 150))
    worlds += [
        (AgenticWorld(arms, "effective_tokens", second_uses_less), 12) for arms in (2, 3, 4)
    ]
    with ProcessPoolExecutor() as pool:
        for number, (world, planned) in enumerate(worlds):
            runs = max(4, int(planned * factor))
            seeds = range(100_000 * number, 100_000 * number + runs)
            ends = list(pool.map(partial(experiment, world), seeds, chunksize=4))
            same = world.numbers is alike
            promoted = [item for item in ends if item.decision is Decision.PROMOTE]
            wrong = [item for item in promoted if same or item.winner != NAMES[1]]
            rejected = sum(item.decision is Decision.REJECT for item in ends) / runs
            limits = {"most": 0.05, "runs": runs}
            page.row(
                world.metric + (" (70 to 30)" if world.weight else ""),
                world.arms,
                "alike" if same else "takes 0.7 times as much",
                runs,
                page.check(len(wrong) / runs, **limits)
                if same
                else f"{len(promoted) / runs:.0%}, another one "
                + page.check(len(wrong) / runs, **limits),
                page.check(rejected, **limits) if same else f"{rejected:.2%}",
            )
