"""What ended a treatment: the evidence that did, held against the bar it had to reach."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from meta_experiment.decide import safety
from meta_experiment.decide.basis import Basis
from meta_experiment.decide.reporting.metric_words import label
from meta_experiment.decide.rules.rule import e_value_bar
from meta_experiment.decide.shares import shares_of
from meta_experiment.types import Analysis, Decision, EndedArm, ReasonCode
from meta_experiment.types.results.report_metrics import ReportResult
from meta_experiment.types.results.report_standing import EndingEvidence

_Found = tuple[str | None, float | None, float | None, float | None]
_NOTHING: _Found = (None, None, None, None)


def endings(
    basis: Basis, analysis: Analysis, results: Sequence[ReportResult]
) -> Iterator[EndingEvidence]:
    """Tell of each treatment that has ended, and of what ended the experiment as a whole."""
    for item in analysis.ended:
        yield _told(basis, item, item.treatment, _found(basis, item, results))
    if analysis.ended or analysis.decision is not Decision.REJECT:
        return
    whole = EndedArm("", None, analysis.reason_code, analysis.reason)
    yield _told(basis, whole, None, _as_a_whole(basis, analysis))


def _told(basis: Basis, item: EndedArm, treatment: str | None, found: _Found) -> EndingEvidence:
    metric, beyond, seen, needed = found
    return EndingEvidence(
        treatment=treatment,
        at=item.at,
        reason_code=item.reason_code,
        reason=item.reason,
        metric=metric,
        label=None if metric is None else label(metric),
        beyond=beyond,
        seen=seen,
        needed=needed,
        by_e_values=basis.rule.by_e_values or item.reason_code is ReasonCode.SAFETY_HARM,
    )


def _found(basis: Basis, item: EndedArm, results: Sequence[ReportResult]) -> _Found:
    """Return the metric, the margin, the evidence and its bar."""
    plan, rule = basis.plan, basis.rule
    shares = shares_of(plan, rule)
    if item.reason_code is ReasonCode.SAFETY_HARM:
        harm = safety.harm(plan, basis.samples, item.treatment, shares.harm)
        if harm is None:
            return _NOTHING
        bar = e_value_bar(plan.alpha, 1 / shares.harm[harm.metric])
        return harm.metric, None, harm.excess + bar, bar
    compared = [
        (result.metric, one.evidence)
        for result in results
        for one in result.comparisons
        if one.treatment == item.treatment and one.evidence is not None
    ]
    if item.reason_code is ReasonCode.TREATMENT_WORSE:
        bar = rule.bar(plan.alpha, 1 / shares.look)
        for metric, evidence in compared[:1]:
            return metric.name, None, evidence.log_worse, bar
    if item.reason_code is ReasonCode.GUARDRAIL_FAILED:
        bar = rule.bar(plan.alpha, 1 / shares.guardrail)
        beyond = [
            (metric.name, metric.margin, evidence.log_beyond_margin, bar)
            for metric, evidence in compared
            if evidence.log_beyond_margin is not None
        ]
        proven = [found for found in beyond if found[2] >= bar]
        return next(iter(proven), max(beyond, key=lambda found: found[2], default=_NOTHING))
    return _NOTHING


def _as_a_whole(basis: Basis, analysis: Analysis) -> _Found:
    """Return the evidence of a holdout that what was promoted is worse by now."""
    watched = analysis.holdout
    if watched is None or analysis.reason_code is not ReasonCode.REVERSED:
        return _NOTHING
    bar = basis.rule.bar(basis.plan.alpha, 1)
    return basis.plan.primary.name, None, math.log(watched.reversed), bar
