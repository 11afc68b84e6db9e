"""How long help and a TAB take, as ratios to a bare import of click and json.

    python benchmarks/asking.py [--experiments 1000] [--runs 15]

Each is one process of the launcher, timed between runs of `python -c "import click, json"` by
the same interpreter. Times are those of the processor, which a busy machine disturbs less; of
both ratios, of medians and of minima, the smaller counts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(REPOSITORY)]

from benchmarks.making import PYTHON, names, processor_seconds, registry, seconds  # noqa: E402

LIMIT = 2.0
LAUNCHER = str(REPOSITORY / "bin" / "meta-experiment")


def tab(*words: str) -> list[str]:
    """Return the command that a shell runs when TAB is pressed at the end of these words."""
    typed = " ".join(("meta-experiment", *words))
    return [
        "/usr/bin/env",
        "_META_EXPERIMENT_COMPLETE=bash_complete",
        f"COMP_WORDS={typed}",
        f"COMP_CWORD={len(words)}",
        LAUNCHER,
    ]


OF_IDS = "TAB at an experiment"
ASKED = {
    "--help": [LAUNCHER, "--help"],
    "import --help": [LAUNCHER, "import", "--help"],
    "help promote": [LAUNCHER, "help", "promote"],
    "TAB at a verb": tab("an"),
    "TAB at an option": tab("create", "--"),
    "TAB at a metric": tab("noise", "--metric", "a"),
    OF_IDS: tab("analyze", "exp-2026-01-01"),
}


def main() -> int:
    """Print the figures; exit 1 when a ratio is over the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiments", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="meta-bench-") as temporary:
        os.chdir(temporary)
        registry(Path(temporary), names(options.experiments))
        seconds([LAUNCHER, "status"])  # keeps the board that a TAB looks at
        return compared(options.runs)


def compared(runs: int) -> int:
    """Time all of them in turns, in the folder where one stands."""
    commands = {"bare": [PYTHON, "-c", "import click, json"], **ASKED}
    for command in commands.values():
        processor_seconds(command)
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            taken[name].append(processor_seconds(command))
    middle, least = statistics.median(taken["bare"]), min(taken["bare"])
    print(f"{'':24}{'median ms':>10}{'ratio':>8}{'of minima':>11}")
    print(f"{'bare':24}{middle * 1000:10.1f}")
    holds = True
    for name in ASKED:
        ratio, of_minima = statistics.median(taken[name]) / middle, min(taken[name]) / least
        holds &= min(ratio, of_minima) <= LIMIT
        spent = statistics.median(taken[name]) * 1000
        print(f"{name:24}{spent:10.1f}{ratio:8.2f}{of_minima:11.2f}   (limit {LIMIT})")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
