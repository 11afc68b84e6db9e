"""Every metric of a plan with its comparisons, the intervals being those of the plan's rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from meta_experiment.decide.basis import Basis
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.primary import corrected, weigh
from meta_experiment.decide.reporting.distributions import centre_of, distributions
from meta_experiment.decide.reporting.guardrail_states import guardrail_state
from meta_experiment.decide.reporting.metric_words import described_metric
from meta_experiment.decide.shares import shares_of
from meta_experiment.errors import DegenerateDataError
from meta_experiment.types import (
    Analysis,
    Comparison,
    Interval,
    Metric,
    Plan,
    PrimaryResult,
)
from meta_experiment.types.results.report_metrics import (
    ComparisonEvidence,
    MetricRole,
    ReportComparison,
    ReportResult,
    ResultState,
)


def results(basis: Basis, analysis: Analysis) -> Iterator[ReportResult]:
    """Describe every metric: that which decides, the guardrails, and what stands beside."""
    plan = basis.plan
    yield _primary(basis, analysis)
    for guardrail in plan.guardrails:
        judged = {
            item.treatment: item
            for item in analysis.guardrails
            if item.metric == guardrail.metric.name
        }
        compared = {
            name: _compared(
                basis,
                guardrail.metric,
                item.comparison,
                guardrail_state(item, analysis.readiness),
                guardrail.margin,
            )
            for name, item in judged.items()
            if item.comparison is not None
        }
        yield _result(basis, guardrail.metric, MetricRole.GUARDRAIL, compared, guardrail.margin)
    planned = {metric.name for metric in plan.secondary}
    for found in analysis.secondary:
        role = MetricRole.SECONDARY if found.metric in planned else MetricRole.EXPLORED
        metric = _metric_of(plan, found)
        compared = {
            item.treatment: _compared(basis, metric, item, ResultState.SHOWN)
            for item in found.comparisons
        }
        yield _result(basis, metric, role, compared)


def rule_interval(
    plan: Plan, basis: Basis, metric: Metric, control: Sample, treatment: Sample
) -> Interval:
    """Bound the relative effect on any metric as the rule does, with α on either side.

    Both ends are None where the values carry no evidence.
    """
    about = plan if metric == plan.primary else replace(plan, primary=metric, robust=False)
    try:
        low, high = basis.rule.interval(about, control, treatment, plan.alpha)
    except DegenerateDataError:
        low = high = None
    return Interval(1 - 2 * plan.alpha, low, high)


def _metric_of(plan: Plan, found: PrimaryResult) -> Metric:
    for metric in plan.secondary:
        if metric.name == found.metric:
            return metric
    return Metric(found.metric, found.kind, found.direction, found.scale)


def _primary(basis: Basis, analysis: Analysis) -> ReportResult:
    plan, rule = basis.plan, basis.rule
    weights = weigh(plan, rule, basis.samples)
    together, bar = corrected(rule, weights), rule.bar(plan.alpha, 1)
    bar_worse = rule.bar(plan.alpha, 1 / shares_of(plan, rule).look)
    compared = {}
    for item in analysis.primary.comparisons:
        if item.treatment not in weights:
            continue
        own, better = weights[item.treatment], together[item.treatment].better
        waits = not rule.extendable and not basis.look.complete
        few = _smaller(basis, item.treatment) < analysis.readiness.needed_per_arm
        state = ResultState.OPEN
        if waits or few:
            state = ResultState.EARLY
        elif better >= bar:
            state = ResultState.BETTER
        elif own.worse >= bar_worse:
            state = ResultState.WORSE
        found = _compared(basis, plan.primary, item, state)
        evidence = None
        if item.error is None:
            evidence = ComparisonEvidence(own.rule, own.better, own.worse, better, None, None)
        interval = item.corrected.interval if item.corrected else found.interval
        compared[item.treatment] = replace(found, evidence=evidence, interval=interval)
    return _result(basis, plan.primary, MetricRole.PRIMARY, compared)


def _smaller(basis: Basis, treatment: str) -> int:
    return min(map(len, basis.samples.compared(treatment, basis.plan.primary)))


def _compared(
    basis: Basis,
    metric: Metric,
    comparison: Comparison,
    state: ResultState,
    margin: float | None = None,
) -> ReportComparison:
    plan = basis.plan
    control, treatment = basis.samples.compared(comparison.treatment, metric)
    return ReportComparison(
        treatment=comparison.treatment,
        state=state,
        control_units=len(control),
        treatment_units=len(treatment),
        control_value=centre_of(control, metric),
        treatment_value=centre_of(treatment, metric),
        effect=comparison.estimate,
        interval=rule_interval(plan, basis, metric, control, treatment),
        evidence=_evidence(basis, metric, control, treatment, margin),
        error=comparison.error,
    )


def _evidence(
    basis: Basis, metric: Metric, control: Sample, treatment: Sample, margin: float | None
) -> ComparisonEvidence | None:
    plan, rule = basis.plan, basis.rule
    if metric == plan.primary:
        return None  # it is told beside the other treatments
    try:
        zero = rule.evidence(plan, control, treatment, metric, 0.0)
        against = None
        if margin is not None:
            against = rule.evidence(plan, control, treatment, metric, -margin)
    except DegenerateDataError:
        return None
    return ComparisonEvidence(
        rule=zero.rule,
        log_better=zero.better,
        log_worse=zero.worse,
        log_better_adjusted=zero.better,
        log_within_margin=None if against is None else against.better,
        log_beyond_margin=None if against is None else against.worse,
    )


def _result(
    basis: Basis,
    metric: Metric,
    role: MetricRole,
    compared: Mapping[str, ReportComparison],
    margin: float | None = None,
) -> ReportResult:
    samples = basis.samples
    arms, edges = distributions(
        metric,
        {name: samples.of(name, metric) for name in samples.arms},
        {name: arm.exposed for name, arm in samples.arms.items()},
    )
    return ReportResult(
        described_metric(metric, role, margin), arms, edges, tuple(compared.values())
    )
