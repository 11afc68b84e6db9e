"""How long each arm's chance to be the best takes, beside draws of numpy, in milliseconds.

    python benchmarks/chances.py [--arms 8] [--draws 100000] [--runs 30]

In a process that runs already: rates and means of so many arms by quadrature, right to 1e-8;
and beside them nothing but drawing so many times from each arm and counting which is highest,
which is right to 1e-3. numpy stands here alone; the program does without.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(REPOSITORY)]

from meta_experiment.stats.best_arm import best_mean, best_rate  # noqa: E402
from meta_experiment.stats.moments import Moments  # noqa: E402


def measured(body: Callable[[], object], runs: int) -> tuple[float, float]:
    """Return the least and the median time of a call in milliseconds."""
    times = []
    for _ in range(runs):
        begun = time.perf_counter()
        body()
        times.append(1000 * (time.perf_counter() - begun))
    return min(times), statistics.median(times)


def main() -> None:
    """Measure and print, the quickest draws first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arms", type=int, default=8)
    parser.add_argument("--draws", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=30)
    asked = parser.parse_args()
    shape, chance = (asked.draws, asked.arms), np.random.default_rng(1)
    counts = [(40 + 2 * arm, 100) for arm in range(asked.arms)]
    moments = [Moments.from_summary(30, 4.0 + 0.05 * arm, 0.5) for arm in range(asked.arms)]
    bodies: dict[str, Callable[[], object]] = {
        "numpy: draw normals, argmax": lambda: chance.standard_normal(shape).argmax(axis=1),
        "numpy: draw Betas, argmax": lambda: chance.beta(50, 60, shape).argmax(axis=1),
        "numpy: draw t, argmax": lambda: chance.standard_t(29, shape).argmax(axis=1),
        "rates by quadrature": lambda: best_rate(counts),
        "means by quadrature": lambda: best_mean(moments),
    }
    print(f"{asked.arms} arms, {asked.draws:,} draws, {asked.runs} runs: least, median in ms")
    for name, body in bodies.items():
        body()
        least, median = measured(body, asked.runs)
        print(f"{name:30} {least:8.2f} {median:8.2f}")


if __name__ == "__main__":
    main()
