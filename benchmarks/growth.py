"""How `status` and `analyze` grow with the trials: 10,000 against 1,000,000.

    python benchmarks/growth.py [--experiments 1000] [--writers 100] [--runs 7]

Two registries of as many experiments, ten of them running, each with the logs of a hundred
writers. The first has ten trials an experiment, the second a thousand. After one cold call
of `status` each command is run in turn on both, as a process of its own. `after a trial` is
`status` when one trial was added since the last look.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(REPOSITORY)]

from benchmarks.making import build, names, seconds, typed  # noqa: E402

MOST_TIMES = 1.5
SMALL, LARGE = 10_000, 1_000_000


def add(root: Path, name: str, number: int) -> None:
    """Append one trial, as a writer does."""
    path = root / ".claude" / "meta" / "trials" / name / "host-0.jsonl"
    with path.open("ab") as stream:
        stream.write(next(typed(random.Random(-number), 1, time.time())))  # noqa: S311


def main() -> int:
    """Print the figures; exit 1 when a command grows more than it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiments", type=int, default=1_000)
    parser.add_argument("--writers", type=int, default=100)
    parser.add_argument("--runs", type=int, default=7)
    given = parser.parse_args()
    ids = names(given.experiments)
    launcher = str(REPOSITORY / "bin" / "meta-experiment")
    took: dict[tuple[str, int], list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="meta-bench-") as temporary:
        for trials in (SMALL, LARGE):
            root = Path(temporary) / str(trials)
            build(root, ids, trials, given.writers)
            cold = seconds([launcher, "status", "--root", str(root)])
            print(f"status, cold, {trials:9,} trials  {cold * 1000:9.0f} ms")
            seconds([launcher, "analyze", ids[0], "--root", str(root)])
        for number in range(given.runs):
            for trials in (SMALL, LARGE):
                root = Path(temporary) / str(trials)
                at = ["--root", str(root)]
                for verb in (["status"], ["status", ids[0]], ["analyze", ids[0]]):
                    key = (" ".join(verb[:1] + ["ID"] * (len(verb) - 1)), trials)
                    took.setdefault(key, []).append(seconds([launcher, *verb, *at]))
                add(root, ids[1], number)
                key = ("status after a trial", trials)
                took.setdefault(key, []).append(seconds([launcher, "status", *at]))
    print(f"{given.experiments:,} experiments, {given.writers} writers, median of {given.runs}")
    worst = 0.0
    for name in dict.fromkeys(name for name, _ in took):
        small, large = (statistics.median(took[name, trials]) for trials in (SMALL, LARGE))
        worst = max(worst, large / small)
        print(
            f"{name:22} {small * 1000:7.0f} ms {large * 1000:7.0f} ms   x {large / small:.2f}"
        )
    print(f"worst ratio {worst:.2f} (limit {MOST_TIMES})")
    return 0 if worst <= MOST_TIMES else 1


if __name__ == "__main__":
    sys.exit(main())
