"""Simulated arrays as the trials that the product decides on."""

from __future__ import annotations

from dataclasses import replace

from meta_experiment.decide import analyze
from meta_experiment.types import (
    Direction,
    Metric,
    MetricKind,
    Plan,
    Scale,
    Trial,
    TrialStatus,
    Variant,
)

NAMES = ("control", "b", "c", "d")


def plan(*, treatments=1, log=True, threshold=0.0, **changes):
    """Return a plan on one metric of which less is better."""
    scale = Scale.LOG if log else Scale.RAW
    base = Plan(
        name="sim",
        hypothesis="simulated",
        files=("a.md",),
        variants=tuple(Variant(name) for name in NAMES[: treatments + 1]),
        primary=Metric("amount", MetricKind.CONTINUOUS, Direction.LOWER, scale),
        improvement_threshold=threshold,
        max_duration_days=1e6,
    )
    return replace(base, **changes)


def trials(values, arms, cut=None, gone=None, metric="amount"):
    """Return one trial per unit, in assignment order; of some the value is gone."""
    cut = [False] * len(values) if cut is None else cut
    gone = [False] * len(values) if gone is None else gone
    return [
        Trial(
            trial_id=f"t{order}",
            variant=NAMES[arm],
            unit=f"u{order}",
            order=order,
            status=TrialStatus.INTERRUPTED if stopped else TrialStatus.OK,
            metrics={} if missing else {metric: float(value)},
            assigned_at=float(order),
            closed_at=float(order + 1),
        )
        for order, (value, arm, stopped, missing) in enumerate(
            zip(values, arms, cut, gone, strict=True)
        )
    ]


def decide(plan, trials):
    """Return the analysis of these trials, long before any horizon."""
    return analyze(plan, trials, experiment_id="sim", as_of=1e5, started=0.0)
