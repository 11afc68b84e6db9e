"""One look, planned in advance: p-values of the test that the plan asks for, decided once.

Several treatments: Holm's step-down.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from meta_experiment.decide.design import design_of
from meta_experiment.decide.evidence import RATIO, Evidence, beyond_reach, moved, towards
from meta_experiment.decide.reported import counts
from meta_experiment.decide.rules.base import Look, Rule, Words, number
from meta_experiment.decide.rules.first_look import first_look
from meta_experiment.decide.scale import sign
from meta_experiment.decide.units import Sample
from meta_experiment.stats.multiplicity import holm
from meta_experiment.stats.rate_ratio import rate_ratio_tails
from meta_experiment.types import Comparison, Metric, MetricKind, Plan

_SMALLEST_P = 1e-300


def is_ready(plan: Plan, seen: Look, smallest: int) -> bool:
    """Ask for the complete look, with whatever values its units have."""
    del plan, smallest
    return seen.complete


def evidence(
    plan: Plan, control: Sample, treatment: Sample, metric: Metric, at: float
) -> Evidence:
    """Return −log of the one-sided p-values of the plan's test, valid at one look.

    Rates are held against a null other than no difference by their likelihood.
    """
    if metric.kind is MetricKind.PROPORTION and at != 0:
        return _rates_against(control, treatment, metric, at)
    null = moved(control, at, metric)
    if null is None:
        return beyond_reach(at)
    done = design_of(plan).test(plan.analysis_type, null, treatment, metric)
    return towards(sign(metric), _minus_log(done.p_greater), _minus_log(done.p_less), done.name)


def interval(comparison: Comparison) -> None:
    """Return nothing: the one look decides, so that there is nothing to end early."""
    del comparison


def detectable(plan: Plan, units: int, power: float, alpha: float) -> float:
    """Find what the t-test finds."""
    from meta_experiment.stats.power import t_detectable_effect

    del plan
    return t_detectable_effect(units, power=power, alpha=alpha, sides=1)


def _rates_against(control: Sample, treatment: Sample, metric: Metric, at: float) -> Evidence:
    ratio = 1.0 + sign(metric) * at
    if ratio <= 0:
        return beyond_reach(at)
    greater, less = rate_ratio_tails(*counts(control, treatment), ratio)
    return towards(sign(metric), _minus_log(greater), _minus_log(less), RATIO)


def _minus_log(p: float) -> float:
    return -math.log(p) if p > 0 else math.inf


def _holm(strengths: Sequence[float]) -> list[float]:
    return [_minus_log(p) for p in holm([math.exp(-max(0.0, one)) for one in strengths])]


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
        strength=lambda log: f"one-sided p = {1 / max(number(log), _SMALLEST_P):.3g}",
        needed=lambda alpha: f"at most {alpha:g}",
        correction="Holm's correction",
        reading=_reading,
        unready=lambda plan: (
            f"The plan looks at the first {plan.sample_size} assigned units of every arm."
        ),
    ),
)
