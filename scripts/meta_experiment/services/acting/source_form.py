"""An analysis written in the form in which feature-flag experiments keep theirs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from meta_experiment.decide.metrics import design_of
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.posterior import best, posterior
from meta_experiment.decide.rules import rule_of
from meta_experiment.decide.samples import Samples, match_of
from meta_experiment.decide.scale import orientation
from meta_experiment.decide.units import arms_of
from meta_experiment.services.acting.analysing import apart_from_prior
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import (
    Analysis,
    Comparison,
    Decision,
    Direction,
    GuardrailState,
    Interval,
    Metric,
    MetricKind,
    Plan,
    ReasonCode,
    Scale,
)
from meta_experiment.types.results.examination import Examination
from meta_experiment.types.results.source_result import (
    BanditStop,
    BestArm,
    EventSumsDocument,
    MetricRows,
    MinimumCheck,
    ObservationWindow,
    RatioCheck,
    SourceAnswer,
    SourceInput,
    SourceResult,
    StatedPrior,
    ThompsonSampling,
    VariantRow,
)

FORM = "meta-experiment.analysis_result.v1"
Of = Callable[[str, Metric], Sample]
"""The sample of a variant on a metric."""

_HELD_BACK = {
    ReasonCode.GUARDRAIL_BEYOND_MARGIN,
    ReasonCode.GUARDRAIL_MISSING,
    ReasonCode.GUARDRAIL_UNDETERMINED,
    ReasonCode.ERRORS_RISE,
    ReasonCode.INTERRUPTIONS_UNCERTAIN,
    ReasonCode.SAMPLE_RATIO_MISMATCH,
    ReasonCode.SHARES_CHANGED,
    ReasonCode.ATTRITION_DIFFERS,
    ReasonCode.LATENESS_DIFFERS,
    ReasonCode.EXPOSURE_UNCONFIRMED,
    ReasonCode.DEGENERATE_DATA,
    ReasonCode.EVIDENCE_STALE,
}
_WORDS = {Decision.PROMOTE: "CONTINUE", Decision.REJECT: "ROLLBACK"}
_WORST_FIRST = (
    GuardrailState.FAIL,
    GuardrailState.MISSING,
    GuardrailState.UNDETERMINED,
    GuardrailState.PASS,
)


def exported(workspace: Workspace, examined: Examination, *, sums: bool) -> SourceAnswer:
    """Write an experiment's analysis in that form, or its sums alone."""
    experiment, analysis = examined.experiment, examined.analysis
    plan = experiment.plan
    trials = apart_from_prior(workspace, plan, tuple(workspace.store.trials(experiment).trials))
    look = rule_of(plan).look(plan, trials, analysis.as_of)
    of = Samples(arms_of(plan, look.trials), match_of(plan)).of
    if sums:
        return SourceInput(input_data(plan, of)["metrics"])
    ended = experiment.outcome.at if experiment.outcome else None
    return source_result(
        plan,
        analysis,
        of,
        digest=experiment.plan_sha256,
        window=ObservationWindow(experiment.started, ended),
    )


def source_result(
    plan: Plan,
    analysis: Analysis,
    of: Of,
    *,
    digest: str | None,
    window: ObservationWindow,
) -> SourceResult:
    """Write an analysis with the samples that it was made of."""
    names = [item.name for item in plan.variants]
    states: dict[str, list[GuardrailState]] = {}
    for item in analysis.guardrails:
        states.setdefault(item.metric, []).append(item.state)
    compared = {(item.metric, item.treatment): item.comparison for item in analysis.guardrails}
    primary = {
        (plan.primary.name, item.treatment): item for item in analysis.primary.comparisons
    }
    srm, check = analysis.checks.srm, analysis.readiness
    units = {name: len(of(name, plan.primary)) for name in names}
    return SourceResult(
        type="bandit" if plan.bandit else "bayesian_ab",
        form=FORM,
        experiment=analysis.experiment_id,
        computed_at=analysis.as_of,
        window=window,
        control=plan.control.name,
        treatments=tuple(names[1:]),
        prior=StatedPrior(False, 0.0, None)
        if plan.prior is None
        else StatedPrior(True, plan.prior.mean, plan.prior.sd),
        srm=RatioCheck(srm.p_value, srm.ok, srm.counts, srm.expected),
        primary_metric=_rows(plan, plan.primary, of, primary, verdict(analysis), None),
        guardrails=tuple(
            _rows(
                plan,
                item.metric,
                of,
                compared,
                state.value,
                state,
            )
            for item in plan.guardrails
            for state in [_worst(states.get(item.metric.name, []))]
        ),
        sample_check=MinimumCheck(
            check.needed_per_arm, check.smallest_arm >= check.needed_per_arm, units
        ),
        plan_digest=digest,
        decision=analysis.decision,
        reason_code=analysis.reason_code,
        reason=analysis.reason,
        warnings=analysis.notes,
        best=analysis.best or best(plan, {name: of(name, plan.primary) for name in names}),
        **(_bandit(plan, analysis) if plan.bandit else {}),
    )


def verdict(analysis: Analysis) -> str:
    """Return the word of that form for a decision; none of them hangs on a chance."""
    if analysis.decision is Decision.EXTEND and analysis.reason_code in _HELD_BACK:
        return "PAUSE"
    return _WORDS.get(analysis.decision, "INCONCLUSIVE")


def input_data(plan: Plan, of: Of) -> dict[str, EventSumsDocument]:
    """Write the sums of all variants on the plan's primary metric and guardrails."""
    events: EventSumsDocument = {}
    for metric in (plan.primary, *(item.metric for item in plan.guardrails)):
        arms: dict[str, bool | dict[str, float]] = {}
        if _is_inverse(metric):
            arms["inverse"] = True
        arms |= {item.name: _sums(of(item.name, metric)) for item in plan.variants}
        events[metric.name] = arms
    return {"metrics": events}


def _sums(sample: Sample) -> dict[str, float]:
    n = len(sample)
    if not n or sample.is_binary:
        return {"n": n, "k": round(sample.total) if n else 0}
    moments = sample.moments
    return {"n": n, "mean": moments.mean, "variance": moments.variance if n > 1 else 0.0}


def _is_inverse(metric: Metric) -> bool:
    return metric.direction is Direction.LOWER


def _worst(states: list[GuardrailState]) -> GuardrailState:
    return next((item for item in _WORST_FIRST if item in states), GuardrailState.MISSING)


def _rows(
    plan: Plan,
    metric: Metric,
    of: Of,
    compared: dict[tuple[str, str], Any],
    said: str,
    state: GuardrailState | None,
) -> MetricRows:
    return MetricRows(
        event=metric.name,
        metric_type="proportion" if metric.kind is MetricKind.PROPORTION else "continuous",
        inverse=_is_inverse(metric),
        rows=tuple(
            _row(plan, metric, of, item.name, compared.get((metric.name, item.name)))
            for item in plan.variants
        ),
        verdict=said,
        state=state,
    )


def _row(
    plan: Plan, metric: Metric, of: Of, name: str, comparison: Comparison | None
) -> VariantRow:
    control, sample = of(plan.control.name, metric), of(name, metric)
    own: dict[str, Any] = dict(_moments(sample, metric))
    if name == plan.control.name or design_of(plan, metric).believe is None:
        return VariantRow(name, len(sample), name == plan.control.name, **own)
    found = posterior(plan, metric, *match_of(plan)(control, sample))
    if found is not None:
        own |= {
            "p_win": found.chance_better,
            "chance_better": found.chance_better,
            "reached_by_equal_arms": found.reached_by_equal_arms,
        }
        towards = orientation(control.centre, metric)
        if found.lift is not None:
            mean = towards * found.lift.mean
            low, high = _as_change(found.lift.interval, towards)
            own |= {
                "rel_delta": math.expm1(mean) if metric.scale is Scale.LOG else mean,
                "ci_lower": low,
                "ci_upper": high,
                "p_win": found.lift.chance_better,
                "risk_ctrl": found.lift.risk_control,
                "risk_trt": found.lift.risk_treatment,
            }
        if comparison is not None and comparison.sequential and sample.has_values:
            low, high = _as_change(comparison.sequential.interval, towards)
            own |= {"anytime_lower": low, "anytime_upper": high}
        own["p_harm"] = 1.0 - own["p_win"]
    return VariantRow(name, len(sample), False, **own)


def _as_change(interval: Interval, towards: float) -> tuple[float | None, float | None]:
    """Turn an interval in which positive is better into one of the change there is."""
    ends = interval.low, interval.high
    if towards > 0:
        return ends
    low, high = (None if end is None else -end for end in reversed(ends))
    return low, high


def _moments(sample: Sample, metric: Metric) -> Iterator[tuple[str, float]]:
    if not len(sample):
        return
    if metric.kind is MetricKind.PROPORTION and sample.is_binary:
        yield "conversions", round(sample.total)
        yield "rate", sample.total / len(sample)
        return
    arm = sample.summary(metric)
    mean, sd = (arm.log_mean, arm.log_sd) if arm.mean is None else (arm.mean, arm.sd)
    if mean is not None:
        yield "mean", mean
    if sd is not None:
        yield "variance", sd * sd


def _bandit(plan: Plan, analysis: Analysis) -> dict[str, Any]:
    bandit, standing = plan.bandit, analysis.bandit
    if bandit is None or standing is None:
        return {}
    burnt = all(len_ >= bandit.burn_in for len_ in _exposed(analysis))
    met = analysis.decision is Decision.PROMOTE
    leads = standing.leads
    return {
        "algorithm": "thompson_sampling" if bandit.aim.value == "few_bad_uses" else "top_two",
        "metric": plan.primary.name,
        "arms": tuple(item.name for item in plan.variants),
        "thompson_sampling": ThompsonSampling(
            tuple(
                BestArm(name, chance, standing.shares.get(name))
                for name, chance in standing.chances.items()
            ),
            burnt,
            "shares move with every unit that closes"
            if burnt
            else f"the first {bandit.burn_in} units of every arm are drawn in turns",
            plan.seed,
        ),
        "stopping": BanditStop(
            met,
            analysis.winner if met else leads,
            standing.chances.get(leads) if leads else None,
            1.0 / plan.alpha,
            analysis.reason,
        ),
        "aim": bandit.aim.value,
        "floor": bandit.floor,
    }


def _exposed(analysis: Analysis) -> Iterator[int]:
    return (item.exposed for item in analysis.samples.values())
