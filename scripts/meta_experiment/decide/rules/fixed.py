"""Fixed rule: one planned look at the p-values of the plan's test, decided once.

Several treatments: Holm's step-down.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from meta_experiment.decide.evidence import Evidence
from meta_experiment.decide.metrics import design_of, family_of
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.reported import minus_log
from meta_experiment.decide.rules.first_look import first_look
from meta_experiment.decide.rules.rule import Look, Rule, Words, number
from meta_experiment.decide.scale import Bound, bounds
from meta_experiment.stats.multiplicity import holm
from meta_experiment.types import Metric, Plan

_SMALLEST_P = 1e-300


def is_ready(plan: Plan, seen: Look, smallest: int) -> bool:
    """Ask for the complete look, with whatever values its units have."""
    del plan, smallest
    return seen.complete


def evidence(
    plan: Plan, control: Sample, treatment: Sample, metric: Metric, at: float
) -> Evidence:
    """Return −log of the one-sided p-values of the plan's test, valid at one look."""
    once = design_of(plan, metric).evidence_once
    return once(plan.analysis_type, control, treatment, metric, at)


def interval(
    plan: Plan, control: Sample, treatment: Sample, alpha: float
) -> tuple[Bound, Bound]:
    """Return the interval beside the test that has `alpha` on either side at its one look."""
    metric, level = plan.primary, 1 - 2 * alpha
    design = design_of(plan, metric)
    if design.adjusted and (found := design.adjusted(control, treatment, metric)):
        return found.interval(level)
    ends = design.interval_once(control, treatment, metric, level)
    return bounds(*ends, control.centre, metric, family_of(metric).lowest_change)


def detectable(plan: Plan, units: int, power: float, alpha: float) -> float:
    """Find what the t-test finds."""
    from meta_experiment.stats.power import t_detectable_effect

    del plan
    return t_detectable_effect(units, power=power, alpha=alpha, sides=1)


def _strength(log: float, bar: float | None) -> str:
    """Write a p-value by the logarithm of its inverse, apart from one that it just misses."""
    told = f"{1 / max(number(log), _SMALLEST_P):.2g}"
    missed = bar is not None and log < bar and told == f"{math.exp(-bar):.2g}"
    return f"one-sided p {'just over' if missed else '='} {told}"


def _holm(strengths: Sequence[float]) -> list[float]:
    return [minus_log(p) for p in holm([math.exp(-max(0.0, one)) for one in strengths])]


def _reading(plan: Plan, ready: bool) -> str:
    if not ready:
        return (
            "The plan looks once, at the end: p-values shown before are not valid, because "
            "looking repeatedly finds differences that are not there."
        )
    return (
        f"The plan looked at the first {plan.sample_size} units per arm; what came later "
        "is not part of the result."
    )


FIXED = Rule(
    look=first_look,
    is_ready=is_ready,
    extendable=False,
    evidence=evidence,
    adjust=_holm,
    interval=interval,
    detectable=detectable,
    words=Words(
        terms=lambda plan: f"one look at {plan.sample_size:,} units per arm",
        strength=_strength,
        needed=lambda alpha: f"at most {alpha:g}",
        correction="Holm's correction",
        reading=_reading,
        unready=lambda plan: (
            f"The plan looks at the first {plan.sample_size} assigned units of every arm."
        ),
    ),
)
