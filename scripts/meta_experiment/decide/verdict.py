"""From findings to one decision: gates in a fixed order, the first that applies decides.

harm → alerts that may act → data quality → readiness → degenerate data
     → rejection (guardrails, primary) → promotion → practical threshold → horizon → extend
"""

from __future__ import annotations

from collections.abc import Callable

from meta_experiment.decide.scale import described
from meta_experiment.decide.standing import (
    Findings,
    claim,
    failed,
    obstacles,
    seen,
)
from meta_experiment.records import dataclass
from meta_experiment.types import Decision, ReasonCode


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision, its stable reason, and a sentence with numbers."""

    decision: Decision
    code: ReasonCode
    reason: str
    winner: str | None = None


Gate = Callable[[Findings], Verdict | None]


def verdict(findings: Findings) -> Verdict:
    """Return what the first gate that applies says."""
    for gate in GATES:
        decided = gate(findings)
        if decided is not None:
            return decided
    raise AssertionError("the last gate applies to everything")


def _harm(findings: Findings) -> Verdict | None:
    if findings.harm is None:
        return None
    return Verdict(Decision.REJECT, ReasonCode.SAFETY_HARM, findings.harm.sentence)


def _acting_alert(findings: Findings) -> Verdict | None:
    for alert in findings.alerts:
        if alert.kind.value in findings.plan.acting_alerts:
            return Verdict(
                Decision.REJECT,
                ReasonCode.ALERT_ACTED,
                f"{alert.message} The plan lets this alert act.",
            )
    return None


def _quality(findings: Findings) -> Verdict | None:
    for problem in findings.problems:
        return Verdict(_open_or_closed(findings), problem.code, problem.sentence)
    return None


def _not_ready(findings: Findings) -> Verdict | None:
    if findings.readiness.ready:
        return None
    code = ReasonCode.INSUFFICIENT_SAMPLES
    if findings.waiting:
        code = ReasonCode.WAITING_FOR_TRIALS
    elif not findings.measured:
        code = ReasonCode.NO_DATA
    return _undecided(findings, code, findings.readiness.reason)


def _degenerate(findings: Findings) -> Verdict | None:
    errors = [item.comparison.error for item in findings.standings]
    if not all(errors):
        return None
    return Verdict(
        _open_or_closed(findings),
        ReasonCode.DEGENERATE_DATA,
        f"The values carry no evidence: {errors[0]}.",
    )


def _rejected(findings: Findings) -> Verdict | None:
    if findings.hopeful:
        return None
    least_bad = max(findings.out, key=lambda item: item.improvement)
    broken = failed(findings, least_bad)
    if broken:
        return Verdict(
            Decision.REJECT,
            ReasonCode.GUARDRAIL_FAILED,
            f"{least_bad.treatment} breaks a guardrail: {broken[0].result.reason}",
        )
    return Verdict(
        Decision.REJECT,
        ReasonCode.TREATMENT_WORSE,
        f"{seen(findings, least_bad)}, shown to be worse "
        f"({findings.rule.words.strength(least_bad.worse)}).",
    )


def _promoted(findings: Findings) -> Verdict | None:
    clear = [item for item in findings.hopeful if next(obstacles(findings, item), None) is None]
    if not clear:
        return None
    best = clear[0]
    if findings.stale is not None:
        return Verdict(_open_or_closed(findings), ReasonCode.EVIDENCE_STALE, findings.stale)
    return Verdict(
        Decision.PROMOTE,
        ReasonCode.TREATMENT_BETTER,
        f"{seen(findings, best)}, shown to be {claim(findings.plan)} "
        f"({findings.rule.words.strength(best.better)}).",
        winner=best.treatment,
    )


def _no_difference(findings: Findings) -> Verdict | None:
    if not all(item.equivalent for item in findings.hopeful):
        return None
    return Verdict(
        Decision.INCONCLUSIVE,
        ReasonCode.NO_MEANINGFUL_DIFFERENCE,
        f"{seen(findings, findings.hopeful[0])}; the difference is shown to be within "
        f"{findings.plan.equivalence_margin or 0:.0%}.",
    )


def _out_of_reach(findings: Findings) -> Verdict | None:
    """End what can no longer reach the threshold."""
    plan = findings.plan
    bounds = [findings.rule.interval(item.comparison) for item in findings.hopeful]
    highest = [item.high for item in bounds if item is not None and item.high is not None]
    if len(highest) < len(bounds):
        return None
    if max(highest) >= plan.improvement_threshold:
        return None
    return Verdict(
        Decision.INCONCLUSIVE,
        ReasonCode.EFFECT_BELOW_THRESHOLD,
        f"{seen(findings, findings.hopeful[0])}; whatever the true effect is, it is at best "
        f"{described(max(highest))}, below the {plan.improvement_threshold:.0%} asked for.",
    )


def _horizon(findings: Findings) -> Verdict | None:
    if findings.horizon is None or not findings.rule.extendable:
        return None
    return _undecided(findings, ReasonCode.HORIZON_REACHED, _first_obstacle(findings)[1])


def _not_yet(findings: Findings) -> Verdict | None:
    code, sentence = _first_obstacle(findings)
    final = _open_or_closed(findings) is Decision.INCONCLUSIVE
    if final and code is ReasonCode.BELOW_THRESHOLD_SO_FAR:
        code, sentence = ReasonCode.EFFECT_BELOW_THRESHOLD, sentence.replace(" so far", "")
    return Verdict(_open_or_closed(findings), code, sentence)


GATES: tuple[Gate, ...] = (
    _harm,
    _acting_alert,
    _quality,
    _not_ready,
    _degenerate,
    _rejected,
    _promoted,
    _no_difference,
    _out_of_reach,
    _horizon,
    _not_yet,
)


def _first_obstacle(findings: Findings) -> tuple[ReasonCode, str]:
    return next(obstacles(findings, findings.hopeful[0]))


def _open_or_closed(findings: Findings) -> Decision:
    """More data may still come, or the plan has had all it will look at."""
    looked = not findings.rule.extendable and findings.readiness.ready
    closed = looked or findings.horizon is not None
    return Decision.INCONCLUSIVE if closed else Decision.EXTEND


def _undecided(findings: Findings, code: ReasonCode, sentence: str) -> Verdict:
    if findings.horizon is None:
        return Verdict(Decision.EXTEND, code, sentence)
    return Verdict(
        Decision.INCONCLUSIVE,
        ReasonCode.HORIZON_REACHED,
        f"The plan ends {findings.horizon} without a decision. {sentence}",
    )
