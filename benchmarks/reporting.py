"""Time of a report as a page beside `analyze` of the same trials, and the page's size.

Run from the repository: python benchmarks/reporting.py

A ratio of whole processes' processor time on the same machine, in turns, so that load disturbs
both alike; of the ratio of medians and that of minima the smaller counts.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(REPOSITORY)]

from benchmarks.making import build, names, processor_seconds  # noqa: E402

SIZES = (120, 100_000)
LIMIT = 1.5  # times `analyze`
LARGEST = 250_000  # bytes of a page


def main() -> int:
    """Print the figures; exit 1 when one is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, nargs="*", default=SIZES)
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args()
    titles = ("trials", "analyze ms", "report ms", "ratio", "of minima", "kB")
    print("{:>10}{:>12}{:>12}{:>8}{:>11}{:>8}".format(*titles))
    holds = True
    for trials in options.trials:
        ratio, size = _measured(trials, options.runs)
        holds &= ratio <= LIMIT and size <= LARGEST
    return 0 if holds else 1


def _measured(trials: int, runs: int) -> tuple[float, int]:
    launcher = str(REPOSITORY / "bin" / "meta-experiment")
    with tempfile.TemporaryDirectory(prefix="meta-bench-") as temporary:
        root, page = Path(temporary), Path(temporary) / "report.html"
        (name,) = names(1)
        build(root, [name], trials, writers=1)
        analyze = [launcher, "analyze", name, "--json", "--root", str(root)]
        report = [launcher, "report", name, "--html", str(page), "--root", str(root)]
        for command in (analyze, report):
            processor_seconds(command)
        taken = [(processor_seconds(analyze), processor_seconds(report)) for _ in range(runs)]
        size = page.stat().st_size
    before, after = zip(*taken, strict=True)
    middle = statistics.median(before), statistics.median(after)
    ratio, of_minima = middle[1] / middle[0], min(after) / min(before)
    print(
        f"{trials:>10,}{1000 * middle[0]:12.0f}{1000 * middle[1]:12.0f}{ratio:8.2f}"
        f"{of_minima:11.2f}{size / 1000:8.0f}"
    )
    return min(ratio, of_minima), size


if __name__ == "__main__":
    sys.exit(main())
