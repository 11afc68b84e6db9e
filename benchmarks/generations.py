"""How long the plan of a workflow's next generation takes, as a ratio to `analyze`.

    python benchmarks/generations.py [--runs 512] [--times 15]

A repository holds a workflow, the branch with its ledger of so many runs, and their outcomes as
trials. `workflows darwin` is timed interleaved with `analyze` of the same trials. Times are
those of the processor, the launcher's and git's included, which a busy machine disturbs less;
of the ratio of medians and that of minima the smaller counts.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(REPOSITORY)]

from benchmarks.making import processor_seconds  # noqa: E402
from benchmarks.picking import ledger  # noqa: E402
from tests.services.workflows.outcomes import NAME, imported  # noqa: E402
from tests.support.git import git  # noqa: E402

LIMIT = 1.5
WORKFLOW = """\
---
on: daily
experiments:
  tone:
    variants: [dry, warm]
    min_samples: 20
---
{{#if experiments.tone == 'warm' }}Be warm.{{/if}}
"""


def made(root: Path, runs: int) -> None:
    """Make the repository."""
    git(root, "init", "--quiet", "--initial-branch=main")
    (root / ".github" / "workflows").mkdir(parents=True)
    (root / ".github" / "workflows" / "daily-report.md").write_text(WORKFLOW)
    (root / "state.jsonl").write_text(ledger(runs))
    git(root, "add", "state.jsonl")
    git(root, "commit", "--quiet", "-m", "state")
    git(root, "branch", "experiments/dailyreport")
    git(root, "rm", "--quiet", "--cached", "state.jsonl")
    git(root, "add", ".github")
    git(root, "commit", "--quiet", "-m", "workflow")
    imported(root, time.time(), {"dry": 100.0, "warm": 40.0}, units=runs // 2)


def main() -> int:
    """Print the figures; exit 1 when the ratio is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=512)
    parser.add_argument("--times", type=int, default=15)
    options = parser.parse_args()
    launcher = str(REPOSITORY / "bin" / "meta-experiment")
    with tempfile.TemporaryDirectory(prefix="meta-bench-") as temporary:
        root = Path(temporary)
        made(root, options.runs)
        commands = {
            "analyze": [launcher, "analyze", NAME, "--root", str(root)],
            "darwin": [
                *(launcher, "workflows", "darwin", "daily-report", "tone"),
                *("--root", str(root)),
            ],
        }
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for number in range(options.times + 1):
            for name, command in commands.items():
                seconds = processor_seconds(command)
                if number:  # the first warms up
                    taken[name].append(seconds)
    middle = {name: statistics.median(times) for name, times in taken.items()}
    least = {name: min(times) for name, times in taken.items()}
    ratios = [item["darwin"] / item["analyze"] for item in (middle, least)]
    print(f"{options.runs:,} runs in the ledger, as many trials, {options.times} times")
    for name, seconds in middle.items():
        print(f"{name:12}{seconds * 1000:10.1f} ms")
    print(f"{'ratio':12}{ratios[0]:10.2f}, of minima {ratios[1]:.2f}   at most {LIMIT}")
    return 0 if min(ratios) <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
