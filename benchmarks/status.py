"""How long `status` takes with many experiments, as a ratio to a bare import of click and json.

    python benchmarks/status.py [--experiments 1000] [--trials 1000000] [--runs 15]

Builds a registry and trial logs in a temporary folder, lets `status` fold them once (cold),
then times warm runs interleaved with `python -c "import click, json"`, the same interpreter.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(REPOSITORY)]

from benchmarks.making import PYTHON, build, names, seconds  # noqa: E402

LIMIT = 3.5


def main() -> int:
    """Print the figures; exit 1 when the ratio is over the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiments", type=int, default=1_000)
    parser.add_argument("--trials", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=15)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="meta-bench-") as temporary:
        root = Path(temporary)
        build(root, names(given.experiments), given.trials, writers=1)
        launcher = str(REPOSITORY / "bin" / "meta-experiment")
        status = [launcher, "status", "--root", str(root)]
        bare = [PYTHON, "-c", "import click, json"]
        cold = seconds(status)
        pairs = [(seconds(bare), seconds(status)) for _ in range(given.runs)]
    base = statistics.median(pair[0] for pair in pairs)
    warm = statistics.median(pair[1] for pair in pairs)
    print(f"experiments {given.experiments:,}, trials {given.trials:,}, runs {given.runs}")
    print(f"cold (folds every log)      {cold * 1000:9.1f} ms")
    print(f"bare import click, json     {base * 1000:9.1f} ms")
    print(f"status, warm                {warm * 1000:9.1f} ms")
    print(f"ratio                       {warm / base:9.2f}   (limit {LIMIT})")
    return 0 if warm / base <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
