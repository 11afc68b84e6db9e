"""How long one analysis takes in a process that runs already, in milliseconds.

    python benchmarks/deciding.py [--units 10000] [--runs 15]

Two arms, so many units in all: from the sums of both arms, as a warehouse has them, for a plan
with its primary metric alone and for one with two guardrails; and from trials one by one.
Beside them the sum of as many numbers, so that machines compare.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(REPOSITORY)]

from meta_experiment.decide.analysis import analyze, analyze_summaries  # noqa: E402
from meta_experiment.decide.metrics.sample import SummarySample  # noqa: E402
from meta_experiment.model.metrics import describe  # noqa: E402
from meta_experiment.stats.moments import Moments  # noqa: E402
from meta_experiment.types import Guardrail, Plan, Scale, Trial, TrialStatus, Variant  # noqa: E402

START = 1.7e9  # seconds
LATER = START + 86_400.0
NAMES = ("active_seconds", "cost_usd", "output_tokens")


def plan() -> Plan:
    """Return a plan with two guardrails."""
    primary, *guarded = map(describe, NAMES)
    return Plan(
        name="bench",
        hypothesis="the new text is faster",
        files=(),
        variants=(Variant("control"), Variant("treatment")),
        primary=primary,
        guardrails=tuple(map(Guardrail, guarded)),
    )


def trials(units: int) -> list[Trial]:
    """Return a trial a unit, the arms taking turns."""
    chance = random.Random(1)  # noqa: S311 - data, no secrets
    return [
        Trial(
            trial_id=f"t{order}",
            variant=("control", "treatment")[order % 2],
            unit=f"u{order}",
            order=order,
            status=TrialStatus.OK,
            metrics={name: chance.lognormvariate(3.0, 0.5) for name in NAMES},
            assigned_at=START + order,
            closed_at=START + order + 0.5,
        )
        for order in range(units)
    ]


def sums(made: list[Trial]) -> dict[str, dict[str, SummarySample]]:
    """Return what a warehouse knows of these trials."""
    found: dict[str, dict[str, SummarySample]] = {"control": {}, "treatment": {}}
    for arm, known in found.items():
        for metric in map(describe, NAMES):
            own = [item.metrics[metric.name] for item in made if item.variant == arm]
            scaled = map(math.log, own) if metric.scale is Scale.LOG else own
            known[metric.name] = SummarySample(Moments.of(scaled))
    return found


def milliseconds(work: Callable[[], object], runs: int) -> tuple[float, float]:
    """Return the median and the shortest time."""
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken), min(taken)


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    made, planned = trials(options.units), plan()
    known = sums(made)
    numbers = [item.metrics["cost_usd"] for item in made]
    print(f"{options.units:,} units in two arms, {options.runs} runs")
    print(f"{'':28}{'median ms':>10}{'shortest':>10}")
    alone = replace(planned, guardrails=())
    summed = partial(
        analyze_summaries, summaries=known, experiment_id="bench", as_of=LATER, started=START
    )
    counted = partial(analyze, trials=made, experiment_id="bench", as_of=LATER, started=START)
    for name, work in (
        ("sum of as many numbers", lambda: sum(numbers)),
        ("from sums", lambda: summed(alone)),
        ("from sums, two guardrails", lambda: summed(planned)),
        ("from trials, two guardrails", lambda: counted(planned)),
    ):
        middle, least = milliseconds(work, options.runs)
        print(f"{name:28}{middle:10.2f}{least:10.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
