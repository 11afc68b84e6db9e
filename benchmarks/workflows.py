"""What it takes to gather runs of a workflow, beside reading their files as JSON and no more.

    python benchmarks/workflows.py [--runs 10000] [--lines 64] [--rounds 3] [--within DIR]

Each run has a usage artifact of eight files, with so many lines of the ledger as it then was.
Gathered means: found, read without following links, measured, the ledgers united, the variants
counted and joined with what the runs came to. The other reads every file and parses every
document and line. The two take turns, on files that the system holds in memory.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(REPOSITORY)]

from tests.support.workflow_runs import moment, write_run  # noqa: E402

from meta_experiment.workflows.joining import joined  # noqa: E402
from meta_experiment.workflows.outcomes.gathering import gather  # noqa: E402
from meta_experiment.workflows.state.generations import DrawTerms  # noqa: E402
from meta_experiment.workflows.state.tally import tally  # noqa: E402

LIMIT = 2.0  # times the reading
VARIANTS = ("dry", "warm")


def make(root: Path, runs: int, lines: int) -> None:
    """Write the downloads of so many runs, each with the last lines of the ledger."""
    kept: list[bytes] = []
    for number in range(1, runs + 1):
        variants = {"tone": VARIANTS[number % 2]}
        own = {"run_id": str(number), "timestamp": moment(number * 3600.0)}
        graders, answers = {"loops": number % 5}, {"focused": "YES"}
        ledger = b"".join(kept)
        write_run(root, number, variants, ledger=ledger, graders=graders, answers=answers)
        line = json.dumps(own | {"assignments": variants}, separators=(",", ":"))
        kept = [*kept, line.encode() + b"\n"][-lines:]


def read(root: Path) -> int:
    """Read everything as JSON; return how many documents there are."""
    count = 0
    for folder, _, names in os.walk(root):
        for name in names:
            with open(os.path.join(folder, name), "rb") as stream:  # noqa: PTH118, PTH123
                data = stream.read()
            texts = data.splitlines() if name.endswith(".jsonl") else [data]
            count += sum(json.loads(text) is not None for text in texts)
    return count


def gathered(root: Path) -> int:
    """Gather the runs; return how many are joined with their outcomes."""
    found = gather(root)
    dates = [DrawTerms(0.0)]
    assert tally(found.ledger, "tone", dates).total == len(found.outcomes)  # noqa: S101
    return len(joined(found.ledger, found.outcomes, "tone", VARIANTS, dates).runs)


def seconds(act: Callable[[Path], int], root: Path) -> tuple[float, int]:
    """Return the processor's time for it, and what it returned."""
    start = time.process_time()
    count = act(root)
    return time.process_time() - start, count


def main() -> None:
    """Measure, and say it in one line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--lines", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--within", type=Path)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=wanted.within) as folder:
        root = Path(folder)
        make(root, wanted.runs, wanted.lines)
        ratios, own, other = [], [], []
        for _ in range(wanted.rounds):
            plain, documents = seconds(read, root)
            mine, runs = seconds(gathered, root)
            assert runs == wanted.runs, runs  # noqa: S101
            ratios.append(mine / plain)
            own.append(mine)
            other.append(plain)
    ratio = statistics.median(ratios)
    print(
        f"{wanted.runs:,} runs, {documents:,} documents: gathered in {min(own):.1f} s of the "
        f"processor, read as JSON in {min(other):.1f} s; {ratio:.2f} times (by the shortest "
        f"{min(own) / min(other):.2f}), wanted at most {LIMIT:g}"
    )


if __name__ == "__main__":
    main()
