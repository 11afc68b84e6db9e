"""How long looking takes with many experiments, as ratios to a bare import of click and json.

    python benchmarks/looking.py [--experiments 1000] [--trials 1000000] [--runs 15]

Builds a registry and trial logs in a temporary folder and lets `status` fold them once (cold).
Then warm runs of `status`, and of `status`, `analyze` and `explain` for one experiment, are
timed interleaved with `python -c "import click, json"` of the same interpreter. Times are those
of the processor, the launcher's included, which a busy machine disturbs less; of the ratio of
medians and that of minima the smaller counts.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(REPOSITORY)]

from benchmarks.making import PYTHON, build, names, processor_seconds, seconds  # noqa: E402

BESIDE = (
    "analyze ID beside others"  # on the same sessions, whose interactions are not asked for
)
LIMITS = {"status": 1.8, "status ID": 2.5, "analyze ID": 2.5, "explain ID": 2.5, BESIDE: 2.5}


def main() -> int:
    """Print the figures; exit 1 when a ratio is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiments", type=int, default=1_000)
    parser.add_argument("--trials", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    ids = names(options.experiments)
    launcher = str(REPOSITORY / "bin" / "meta-experiment")
    with tempfile.TemporaryDirectory(prefix="meta-bench-") as temporary:
        root = Path(temporary)
        build(root, ids, options.trials, writers=1)
        meeting = root / "meeting"
        build(meeting, ids[:10], 10 * (options.trials // len(ids)), writers=1, unit="session")
        commands = {
            name: [launcher, *name.replace("ID", ids[0]).split(), "--root", str(root)]
            for name in LIMITS
            if name != BESIDE
        }
        commands[BESIDE] = [launcher, "analyze", ids[0], "--root", str(meeting)]
        cold = seconds(commands["status"])
        commands |= {"bare": [PYTHON, "-c", "import click, json"]}
        for command in commands.values():
            seconds(command)
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(options.runs):
            for name, command in commands.items():
                taken[name].append(processor_seconds(command))
    print(
        f"{options.experiments:,} experiments, {options.trials:,} trials, {options.runs} runs"
    )
    print(f"status, cold (folds every log) {cold * 1000:9.0f} ms")
    print(f"{'':24}{'median ms':>10}{'ratio':>8}{'of minima':>11}")
    middle, least = statistics.median(taken["bare"]), min(taken["bare"])
    print(f"{'bare':24}{middle * 1000:10.1f}")
    holds = True
    for name, limit in LIMITS.items():
        ratio = statistics.median(taken[name]) / middle
        of_minima = min(taken[name]) / least
        holds &= min(ratio, of_minima) <= limit
        spent = statistics.median(taken[name]) * 1000
        print(f"{name:24}{spent:10.1f}{ratio:8.2f}{of_minima:11.2f}   (limit {limit})")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
