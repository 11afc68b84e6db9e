"""Looking after every pair, for all peers alike; reads a task, prints what came of it."""

import json
import sys

import numpy as np

ALPHA = 0.05


def first_decision(world, first, test):
    """Return for every run the pairs at its first p below 0.05, signed by its direction."""
    return [
        _decision(*map(np.asarray, run), first, world["lower"], test) for run in world["runs"]
    ]


def _decision(control, treatment, first, lower, test):
    for pairs in range(first, len(control) + 1):
        p, difference = test(control[:pairs], treatment[:pairs])
        if p < ALPHA:
            return pairs if (difference < 0) == lower else -pairs
    return 0


def answer(figures, mean_test, rate_test, **more):
    """Read the task, and print the figures and the decisions in every world as JSON."""
    task = json.load(sys.stdin)
    tests = {"mean": mean_test, "rate": rate_test}
    decided = {
        name: first_decision(world, task["first"], tests[world["kind"]])
        for name, world in task["worlds"].items()
    }
    found = figures({key: np.asarray(value) for key, value in task["sample"].items()})
    json.dump(
        {
            "figures": {key: float(value) for key, value in found.items()},
            "decided": decided,
            **{name: make(task) for name, make in more.items()},
        },
        sys.stdout,
    )
