"""This beside its peers on the same data, written to docs/comparison.md.

    python benchmarks/comparison.py [--runs 100] [--out docs/comparison.md]

Of GrowthBook's gbstats, tea-tasting and statsmodels, each in an environment of its own that is
kept in the user's cache: gbstats asks for another numpy than the others. Every rule sees the
same seeded pairs and is asked after each of them, as its makers have it without settings;
figures that two of them both know are held against each other. Takes some three minutes, once
all is installed.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(REPOSITORY)]

from meta_experiment.decide.metrics.sample import Sample  # noqa: E402
from meta_experiment.decide.rules import rule_of  # noqa: E402
from meta_experiment.model.metrics import describe  # noqa: E402
from meta_experiment.stats.moments import Moments  # noqa: E402
from meta_experiment.stats.multiplicity import holm  # noqa: E402
from meta_experiment.stats.power import t_power  # noqa: E402
from meta_experiment.stats.proportion import (  # noqa: E402
    fisher_exact,
    newcombe,
    pooled_z,
    wilson,
)
from meta_experiment.stats.ranks import mann_whitney_asymptotic  # noqa: E402
from meta_experiment.stats.ttest import student, welch  # noqa: E402
from meta_experiment.types import Metric, Plan, Scale, Variant  # noqa: E402

SEED = 20261130
FIRST, LAST = 10, 200  # pairs at the first look and at the last
PEERS = {
    "GrowthBook": ("of_gbstats", ("gbstats==0.8.0",)),
    "tea-tasting": ("of_tea_tasting", ("tea-tasting==1.14.0",)),
    "statsmodels": ("of_statsmodels", ("statsmodels==0.15.0",)),
}
RULES = {
    "this": "this, as it comes",
    "GrowthBook": "GrowthBook's sequential rule (tuning 5,000)",
    "tea-tasting": "tea-tasting's tests, looked at again and again",
    "statsmodels": "statsmodels' tests, looked at again and again",
    "once": "statsmodels' tests, looked at once, after 200 pairs",
}
METRICS = {"durations": "duration_seconds", "cost": "cost_usd", "successes": "success"}
# what is drawn, and the treatment against the control: ratio of durations and of cost, rate
WORLDS = {
    "durations, alike": ("durations", 1.0),
    "durations, 20% less": ("durations", 0.8),
    "cost, alike": ("cost", 1.0),
    "cost, 20% less": ("cost", 0.8),
    "successes, 60% in both": ("successes", 0.6),
    "successes, 60% and 85%": ("successes", 0.85),
}

ALIKE = ("durations, alike", "cost, alike", "successes, 60% in both")


def drawn(chance: random.Random, kind: str, treated: float) -> list[list[float]]:
    """Draw the pairs of a run: log sd 0.5 of durations, a spread of half the mean of cost."""
    draws: dict[str, Callable[[float], float]] = {
        "durations": lambda ratio: 60 * ratio * math.exp(chance.gauss(0, 0.5)),
        "cost": lambda ratio: ratio * chance.gammavariate(4.0, 0.25),
        "successes": lambda rate: float(chance.random() < rate),
    }
    draw, base = draws[kind], 0.6 if kind == "successes" else 1.0
    return [[draw(level) for _ in range(LAST)] for level in (base, treated)]


def task(runs: int) -> dict[str, Any]:
    """Make all data: the pairs of every world, and one sample for the figures."""
    chance = random.Random(SEED)  # noqa: S311
    worlds = {
        name: {
            "kind": "rate" if kind == "successes" else "mean",
            "lower": kind != "successes",
            "runs": [drawn(chance, kind, treated) for _ in range(runs)],
        }
        for name, (kind, treated) in WORLDS.items()
    }
    sample = {}
    for arm, n, shift, wins in (("control", 40, 0.0, 22), ("treatment", 36, -6.0, 27)):
        before = [chance.gauss(50, 12) for _ in range(n)]
        sample[f"{arm}_before"] = before
        sample[arm] = [x + shift + chance.gauss(0, 9) for x in before]
        sample[f"{arm}_outcomes"] = [1.0] * wins + [0.0] * (n - wins)
    return {"first": FIRST, "worlds": worlds, "sample": sample}


def plan_on(metric: Metric) -> Plan:
    """Return the plan as it comes, but for the threshold on the estimate, which peers lack."""
    return Plan(
        name="comparison",
        hypothesis="the treatment is better",
        files=("prompt.md",),
        variants=(Variant("control"), Variant("treatment")),
        primary=metric,
        improvement_threshold=0.0,
    )


def sample_of(values: Sequence[float], metric: Metric) -> Sample:
    """Return the values of an arm as the deciding rule takes them."""
    scaled = map(math.log, values) if metric.scale is Scale.LOG else values
    return Sample(tuple(scaled), tuple(values), {}, tuple(map(str, range(len(values)))))


def ours_decided(kind: str, run: Sequence[Sequence[float]]) -> int:
    """Return the pairs at which the rule decides, negative for worse; 0 for never."""
    plan = plan_on(describe(METRICS[kind]))
    rule, metric = rule_of(plan), plan.primary
    bar = rule.bar(plan.alpha, 1)
    for pairs in range(FIRST, LAST + 1):
        control, treatment = (sample_of(values[:pairs], metric) for values in run)
        evidence = rule.evidence(plan, control, treatment, metric, 0.0)
        if max(evidence.better, evidence.worse) >= bar:
            return pairs if evidence.better >= bar else -pairs
    return 0


def ours_figures(sample: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Compute what any of the peers knows too."""
    control, treatment = (Moments.of(sample[arm]) for arm in ("control", "treatment"))
    t = welch(control, treatment)
    counts = []
    for arm in ("control_outcomes", "treatment_outcomes"):
        counts += [round(sum(sample[arm])), len(sample[arm])]
    z, rate, difference = pooled_z(*counts), wilson(*counts[2:]), newcombe(*counts)
    ranks = mann_whitney_asymptotic(sample["control"], sample["treatment"])
    return {
        "Welch's t: statistic": t.statistic,
        "Welch's t: df": t.df,
        "Welch's t: p": t.p_value,
        "Welch's t: lower end": t.low,
        "Welch's t: upper end": t.high,
        "Student's t: p": student(control, treatment).p_value,
        "Mann-Whitney: p": ranks.p_value,
        "z of two rates: statistic": z.statistic,
        "z of two rates: p": z.p_value,
        "Fisher's exact test: p": fisher_exact(*counts).p_value,
        "Wilson's interval: lower end": rate.low,
        "Wilson's interval: upper end": rate.high,
        "Newcombe's interval: lower end": difference.low,
        "Newcombe's interval: upper end": difference.high,
        "power of t, 64 per arm, d 0.5": t_power(64, 0.5),
        "Holm: largest p of three": holm([0.01, 0.02, 0.04])[2],
    }


def of_peer(name: str, task_text: str) -> dict[str, Any]:
    """Ask a peer, in its environment; say so where it cannot be installed."""
    script, packages = PEERS[name]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    place = cache / "meta-experiment" / "comparison" / script
    python = place / "bin" / "python"
    if not (place / "ready").exists():
        venv.create(place, clear=True, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet", *packages]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        if done.returncode:
            return {"missing": " ".join(done.stderr.split())[-200:]}
        (place / "ready").touch()
    program = [str(python), str(REPOSITORY / "benchmarks" / "peers" / f"{script}.py")]
    done = subprocess.run(program, input=task_text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def decisions_table(decided: Mapping[str, Mapping[str, list[int]]]) -> list[str]:
    """Say of every rule and world how often it decides for better, for worse, and when."""
    lines = [
        f"| rule | {' | '.join(WORLDS)} |",
        f"| --- |{' --- |' * len(WORLDS)}",
    ]
    for rule, worlds in decided.items():
        cells = [_cell(name, worlds[name]) for name in WORLDS]
        lines.append(f"| {RULES[rule]} | {' | '.join(cells)} |")
    return lines


def _cell(world: str, found: Sequence[int]) -> str:
    promoted = [pairs for pairs in found if pairs > 0]
    share = f"{len(promoted) / len(found):.0%}"
    if world in ALIKE:
        return share
    mean = statistics.fmean([pairs if pairs > 0 else LAST for pairs in found])
    return f"{share}, {mean:.0f} pairs"


def figures_table(ours: Mapping[str, float], peers: Mapping[str, Any]) -> list[str]:
    """Hold every figure against those of the peers that know it."""
    known = {name: found["figures"] for name, found in peers.items() if "figures" in found}
    lines = [
        f"| figure | this | {' | '.join(known)} | largest difference |",
        f"| --- | --- |{' --- |' * len(known)} --- |",
    ]
    for key, value in ours.items():
        theirs = [found.get(key) for found in known.values()]
        apart = max((abs(one - value) for one in theirs if one is not None), default=None)
        cells = ["–" if one is None else f"{one:.10g}" for one in theirs]
        said = "–" if apart is None else "none" if apart == 0 else f"{apart:.1g}"
        lines.append(f"| {key} | {value:.10g} | {' | '.join(cells)} | {said} |")
    return lines


def page(
    runs: int, decided: Mapping[str, Any], ours: Mapping[str, float], peers: Mapping[str, Any]
) -> str:
    """Write the page."""
    missing = [
        f"{name} could not be installed here: {found['missing']}"
        for name, found in peers.items()
        if "missing" in found
    ]
    versions = ", ".join(package for _, packages in PEERS.values() for package in packages)
    return "\n".join(
        [
            *_HEAD.format(
                versions=versions,
                seed=SEED,
                runs=runs,
                first=FIRST,
                last=LAST,
                error=2 * math.sqrt(0.05 * 0.95 / runs),
            ).splitlines(),
            *missing,
            "",
            *decisions_table(decided),
            "",
            *_FIGURES.splitlines(),
            "",
            *figures_table(ours, peers),
            "",
        ]
    )


_HEAD = """\
# This beside its peers

Made by `python benchmarks/comparison.py` with {versions}; seed {seed}.

## Looking after every pair

{runs} experiments in each world, the same for all, looked at after every pair from {first} to
{last}. A cell is the share that is promoted, which where both arms are alike is to be 5% at
most (known to ±{error:.0%} with so many experiments), and else the mean of pairs to a
promotion, {last} where there is none. Ours is the deciding rule alone, without the threshold
on the estimate and the other gates; it takes durations on the log scale, the peers take all
as it is. A p below 0.05 in favour of the treatment is their promotion.
"""
_FIGURES = """\
The tests of tea-tasting and statsmodels are made for one look, and promise nothing for more.

## Figures that coincide

One sample of 40 and 36 units, outcomes 22 of 40 and 27 of 36. A dash:
not among what that package computes in this form.
"""


def main() -> None:
    """Make the data, ask all, write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs" / "comparison.md")
    chosen = parser.parse_args()
    made = task(chosen.runs)
    text = json.dumps(made)
    with ThreadPoolExecutor(len(PEERS)) as pool:
        asked = {name: pool.submit(of_peer, name, text) for name in PEERS}
        decided = {
            "this": {
                name: [ours_decided(WORLDS[name][0], run) for run in world["runs"]]
                for name, world in made["worlds"].items()
            }
        }
        peers = {name: future.result() for name, future in asked.items()}
    for name, found in peers.items():
        if "decided" in found:
            decided[name] = found["decided"]
        if "once" in found:
            decided["once"] = found["once"]
    said = page(chosen.runs, decided, ours_figures(made["sample"]), peers)
    chosen.out.write_text(said, "utf-8")
    print(said)


if __name__ == "__main__":
    main()
