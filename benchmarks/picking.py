"""How long picking the variants of a workflow's run takes, as ratios to a bare Python.

    python benchmarks/picking.py [--kept 512] [--runs 25]

`workflows pick` by its launcher, of a compiled workflow and of its source, each with a ledger
of so many runs to which every pick adds one, interleaved with `python -c pass` of the same
interpreter. Times are those of the processor, the launcher's included, which a busy machine
disturbs less; of the ratio of medians and that of minima the smaller counts.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(REPOSITORY)]

from benchmarks.making import PYTHON, processor_seconds  # noqa: E402

LIMITS = {"compiled": 3.0, "source": 5.0}
SPECIFICATION = {
    "engine_variant": {"variants": ["copilot", "claude"], "weight": [60, 40]},
    "tone": ["dry", "warm"],
}
SOURCE = """\
---
on: daily
permissions:
  contents: read
experiments:
  engine_variant:
    variants: [copilot, claude]
    weight: [60, 40]
  tone: [dry, warm]
---

{{#if experiments.tone == 'warm' }}Be warm.{{/if}}
"""


def ledger(kept: int) -> str:
    """Return a ledger of so many runs."""
    lines = []
    for number in range(kept):
        day, hour, minute = 1 + number // 1440, number // 60 % 24, number % 60
        stamp = f"2026-03-{day:02d}T{hour:02d}:{minute:02d}:00.000Z"
        arms = {"engine_variant": "copilot", "tone": ("dry", "warm")[number % 2]}
        run = {"run_id": str(number), "timestamp": stamp, "harness_version": "0" * 64}
        lines.append(json.dumps({**run, "assignments": arms}, separators=(",", ":")))
    return "".join(f"{line}\n" for line in lines)


def main() -> int:
    """Print the figures; exit 1 when a ratio is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kept", type=int, default=512)
    parser.add_argument("--runs", type=int, default=25)
    options = parser.parse_args()
    launcher = str(REPOSITORY / "bin" / "meta-experiment")
    with tempfile.TemporaryDirectory(prefix="meta-bench-") as temporary:
        folder = Path(temporary)
        text = json.dumps(SPECIFICATION)
        (folder / "w.lock.yml").write_text(f"env:\n  GH_AW_EXPERIMENT_SPEC: '{text}'\n")
        (folder / "w.md").write_text(SOURCE)
        taken: dict[str, list[float]] = {name: [] for name in ("bare", *LIMITS)}
        for number in range(options.runs + 1):
            for name, file in (("compiled", "w.lock.yml"), ("source", "w.md")):
                state = folder / f"{name}.jsonl"
                if not state.exists():
                    state.write_text(ledger(options.kept))
                words = [str(folder / file), "--state", str(state), "--run-id", f"r{number}"]
                taken[name].append(processor_seconds([launcher, "workflows", "pick", *words]))
            taken["bare"].append(processor_seconds([PYTHON, "-c", "pass"]))
    taken = {name: times[1:] for name, times in taken.items()}  # the first warms up
    print(f"ledgers of {options.kept:,} runs, {options.runs} picks")
    print(f"{'':12}{'median ms':>10}{'ratio':>8}{'of minima':>11}")
    middle, least = statistics.median(taken["bare"]), min(taken["bare"])
    print(f"{'bare':12}{middle * 1000:10.1f}")
    holds = True
    for name, limit in LIMITS.items():
        median, minimum = statistics.median(taken[name]), min(taken[name])
        ratios = (median / middle, minimum / least)
        print(
            f"{name:12}{median * 1000:10.1f}{ratios[0]:8.2f}{ratios[1]:11.2f}   at most {limit}"
        )
        holds = holds and min(ratios) <= limit
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
