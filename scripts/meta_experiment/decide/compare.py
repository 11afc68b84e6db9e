"""Comparison of one treatment with the control on one metric, as reports give it."""

from __future__ import annotations

import math

from meta_experiment.decide.evidence import Evidence
from meta_experiment.decide.metrics import design_of, family_of
from meta_experiment.decide.metrics.family import Design, Family
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.rules import rule_of
from meta_experiment.decide.samples import Samples
from meta_experiment.decide.scale import bounds, effect
from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.sequential import safe_exp
from meta_experiment.types import (
    Claim,
    Comparison,
    Effect,
    EffectSize,
    Interval,
    Metric,
    Plan,
    PrimaryResult,
    Scale,
    SequentialEvidence,
)

_LEAST_LEVEL = 1e-6


def compare(
    plan: Plan, metric: Metric, control: Sample, treatment: Sample, name: str
) -> Comparison:
    """Compare the treatment of that name with the control on one metric of the plan.

    The samples are those that the plan's design compares (see `Samples.compared`).
    The intervals have α on each side, as the decision has. Data that carry no evidence
    keep their point estimate and say in `error` why there is
    no number beside it.
    """
    family, design = family_of(metric), design_of(plan, metric)
    level, seen = _level(plan), Effect(None, None)
    try:
        seen = effect(control.centre, treatment.centre, metric)
        test = design.test(plan.analysis_type, control, treatment, metric)
        found = design.adjusted(control, treatment, metric) if design.adjusted else None
        low, high = design.interval_once(control, treatment, metric, level)
        return Comparison(
            control=plan.control.name,
            treatment=name,
            test=test.name,
            statistic=test.statistic,
            df=test.df,
            p_value=test.p_value,
            effect=seen,
            interval=Interval(
                level, *bounds(low, high, control.centre, metric, family.lowest_change)
            ),
            effect_size=(design.effect_size or family.effect_size)(control, treatment, metric),
            sequential=_sequential(plan, family, design, metric, control, treatment),
            adjusted=found.described(level) if found else None,
            posterior=rule_of(plan).posterior(plan, metric, control, treatment),
        )
    except DegenerateDataError as degenerate:
        return Comparison(
            control=plan.control.name,
            treatment=name,
            test="none",
            statistic=None,
            df=None,
            p_value=None,
            effect=seen,
            interval=Interval(level, None, None),
            effect_size=EffectSize(None, None),
            sequential=None,
            error=_constant_arms(plan, metric, control, treatment, name) or degenerate.message,
            posterior=rule_of(plan).posterior(plan, metric, control, treatment),
        )


def result_of(plan: Plan, metric: Metric, samples: Samples) -> PrimaryResult:
    """Describe every arm by a metric, and compare each treatment with the control."""
    return PrimaryResult(
        metric=metric.name,
        kind=metric.kind,
        direction=metric.direction,
        scale=metric.scale,
        statistic=family_of(metric).statistic(metric.scale),
        variants={
            item.name: samples.of(item.name, metric).summary(metric) for item in plan.variants
        },
        comparisons=tuple(
            compare(plan, metric, *samples.compared(item.name, metric), item.name)
            for item in plan.treatments
        ),
    )


def estimate(plan: Plan, metric: Metric, control: Sample, treatment: Sample) -> Effect:
    """Return the effect that is decided on, as `Comparison.estimate` has it.

    Raises:
        DegenerateDataError: the samples have no centre.
    """
    design = design_of(plan, metric)
    found = design.adjusted(control, treatment, metric) if design.adjusted else None
    return found.effect if found else effect(control.centre, treatment.centre, metric)


def _level(plan: Plan) -> float:
    """Return the confidence of intervals with α on each side.

    Nothing is left of it at an α of one half, which older plans may have.
    """
    return max(_LEAST_LEVEL, 1 - 2 * plan.alpha)


def _constant_arms(
    plan: Plan, metric: Metric, control: Sample, treatment: Sample, name: str
) -> str | None:
    """Say what is seen of arms whose units all have the same value, and what would decide."""
    arms = (control, treatment)
    try:
        vary = min(map(len, arms)) < 2 or any(item.moments.m2 for item in arms)
    except DegenerateDataError:
        return None
    if vary:
        return None
    shown = math.exp if metric.scale is Scale.LOG else float
    one, other = (f"{shown(item.centre):.6g} {metric.unit}".rstrip() for item in arms)
    seen = (
        f"all {len(control)} values of {plan.control.name} are {one} and all {len(treatment)} "
        f"of {name} {other}"
    )
    if one == other:
        return f"{seen}: as it looks they are alike, and without a spread no more can be said"
    return (
        f"{seen}, so that there is no spread to hold the difference against; a plan with "
        "`robust: true` decides on the draw, any on values that are rounded less, or on a "
        "metric that is 1 where a unit is good enough, else 0"
    )


def _sequential(
    plan: Plan,
    family: Family,
    design: Design,
    metric: Metric,
    control: Sample,
    treatment: Sample,
) -> SequentialEvidence:
    """Weigh the primary metric against what the plan claims, anything else against zero."""
    shifted = plan.claim is Claim.THRESHOLD and metric == plan.primary
    at = plan.improvement_threshold if shifted else 0.0
    zero = design.evidence(control, treatment, metric, 0.0)
    claimed = design.evidence(control, treatment, metric, at) if shifted else zero
    low, high = design.interval_always(control, treatment, metric, plan.alpha)
    return SequentialEvidence(
        rule=claimed.rule,
        e_promote=safe_exp(claimed.better),
        e_reject=safe_exp(zero.worse),
        p_anytime=_p_of_claim(claimed.better, zero),
        interval=Interval(
            _level(plan), *bounds(low, high, control.centre, metric, family.lowest_change)
        ),
    )


def _p_of_claim(claimed: float, zero: Evidence) -> float:
    """Return one over the e-value of what the data point to: the claim, or "worse"."""
    log_e = claimed if zero.better >= zero.worse else zero.worse
    return math.exp(-max(0.0, log_e))
