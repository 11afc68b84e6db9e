"""The gates of a decision, each with what was seen of it and what it needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meta_experiment.decide.quality import problems
from meta_experiment.decide.rules.rule import Rule
from meta_experiment.decide.scale import described
from meta_experiment.records import dataclass
from meta_experiment.types import Analysis, Claim, Decision, Plan, ReasonCode, Unit
from meta_experiment.types.results.report import GateName, GateReading, GateState
from meta_experiment.types.results.report_metrics import (
    ReportComparison,
    ReportResult,
    ResultState,
)

_Reading = tuple[GateState, float | None, float | None, str]
_PASSED, _FAILED, _OPEN, _UNASKED = (
    GateState.PASSED,
    GateState.FAILED,
    GateState.OPEN,
    GateState.NOT_ASKED,
)
OF_REASON = {
    GateName.DATA: (
        ReasonCode.SAMPLE_RATIO_MISMATCH,
        ReasonCode.ATTRITION_DIFFERS,
        ReasonCode.EXPOSURE_UNCONFIRMED,
        ReasonCode.DEGENERATE_DATA,
        ReasonCode.EVIDENCE_STALE,
    ),
    GateName.UNITS: (
        ReasonCode.NO_DATA,
        ReasonCode.INSUFFICIENT_SAMPLES,
        ReasonCode.WAITING_FOR_TRIALS,
    ),
    GateName.GUARDRAILS: (
        ReasonCode.GUARDRAIL_FAILED,
        ReasonCode.GUARDRAIL_MISSING,
        ReasonCode.GUARDRAIL_BEYOND_MARGIN,
        ReasonCode.GUARDRAIL_UNDETERMINED,
        ReasonCode.ERRORS_RISE,
        ReasonCode.SAFETY_HARM,
        ReasonCode.ALERT_ACTED,
    ),
    GateName.EVIDENCE: (
        ReasonCode.TREATMENT_BETTER,
        ReasonCode.TREATMENT_WORSE,
        ReasonCode.EVIDENCE_INSUFFICIENT,
        ReasonCode.STILL_BETTER,
        ReasonCode.REVERSED,
        ReasonCode.DECAYED,
        ReasonCode.NO_MEANINGFUL_DIFFERENCE,
        ReasonCode.RISKS_BELOW_PRICE,
    ),
    GateName.THRESHOLD: (
        ReasonCode.BELOW_THRESHOLD_SO_FAR,
        ReasonCode.NO_RELATIVE_EFFECT,
        ReasonCode.EFFECT_BELOW_THRESHOLD,
    ),
    GateName.DOUBTS: (
        ReasonCode.INTERRUPTIONS_UNCERTAIN,
        ReasonCode.MISSING_UNCERTAIN,
        ReasonCode.RARE_VALUES_UNCERTAIN,
        ReasonCode.MEANS_DISAGREE,
    ),
    GateName.TIME: (ReasonCode.HORIZON_REACHED, ReasonCode.FUTILE),
}
"""The reasons of a verdict by the gate that each is of."""


@dataclass(frozen=True, slots=True)
class _Gatekeeper:
    """What the gates are read from: `leading` is what is known of the treatment spoken of."""

    plan: Plan
    rule: Rule
    analysis: Analysis
    leading: ReportComparison | None
    guarded: Sequence[tuple[ReportResult, ReportComparison]]

    @property
    def settled(self) -> bool:
        """Whether the decision is made: nothing more is waited for."""
        return self.analysis.decision is not Decision.EXTEND

    def data(self) -> _Reading:
        """Ask whether the data may be decided on."""
        found = [item.sentence for item in problems(self.analysis.checks)]
        code = self.analysis.reason_code
        if code in (ReasonCode.DEGENERATE_DATA, ReasonCode.EVIDENCE_STALE):
            found.append(self.analysis.reason)
        if found:
            return _FAILED, None, None, " ".join(found)
        return _PASSED, None, None, "Assignment, losses, exposure and versions are as planned."

    def units(self) -> _Reading:
        """Ask whether every arm has its units."""
        ready = self.analysis.readiness
        state = _PASSED if ready.ready else _OPEN
        return state, ready.smallest_arm, ready.needed_per_arm, ready.reason

    def guardrails(self) -> _Reading:
        """Ask whether something got worse that may not."""
        told = [
            f"{word}: {', '.join(named)}"
            for word, state in (
                ("broken", ResultState.BROKEN),
                ("not known", ResultState.MISSING),
                ("not settled", ResultState.OPEN),
                ("held", ResultState.HOLDS),
            )
            if (
                named := [one.metric.label for one, item in self.guarded if item.state is state]
            )
        ]
        if self._stopped_by(GateName.GUARDRAILS) and not self._broken():
            told.insert(0, self.analysis.reason)
        elif not self.plan.guardrails:
            return _UNASKED, None, None, "The plan has no guardrails."
        state = _OPEN if any(map(self._blocks, self.guarded)) else _PASSED
        if self._broken() or self._stopped_by(GateName.GUARDRAILS):
            state = _FAILED
        return state, None, None, "; ".join(told)

    def evidence(self) -> _Reading:
        """Ask whether the treatment is shown to be better."""
        bar = self.rule.bar(self.plan.alpha, 1)
        known = self.leading.evidence if self.leading else None
        needed = self.rule.words.needed(self.plan.alpha)
        if known is None:
            return _OPEN, None, bar, f"No evidence yet, needed {needed}."
        strength = self.rule.words.strength(known.log_better_adjusted)
        state = _PASSED if known.log_better_adjusted >= bar else _OPEN
        if state is _OPEN and self.settled:
            state = _FAILED
        return state, known.log_better_adjusted, bar, f"{strength}, needed {needed}."

    def threshold(self) -> _Reading:
        """Ask whether the estimate is worth having."""
        threshold = self.plan.improvement_threshold
        effect = self.leading.effect.relative if self.leading else None
        if not threshold or self.plan.claim is Claim.THRESHOLD:
            return _UNASKED, effect, threshold, "The plan asks for no estimate beside."
        if effect is None:
            return _OPEN, None, threshold, "There is no relative effect yet."
        state = _PASSED if effect >= threshold else _FAILED if self.settled else _OPEN
        told = f"The estimate is {described(effect)}, {described(threshold)} is asked for."
        return state, effect, threshold, told

    def doubts(self) -> _Reading:
        """Ask whether the finding stands what the record leaves open."""
        if self._stopped_by(GateName.DOUBTS):
            return _FAILED, None, None, self.analysis.reason
        if self.analysis.decision is Decision.PROMOTE:
            told = "It stands what interruptions, missing and rare values may do to it."
            return _PASSED, None, None, told
        return _UNASKED, None, None, "Asked once the evidence is there."

    def time(self) -> _Reading:
        """Ask whether the plan goes on."""
        ready = self.analysis.readiness
        if self._stopped_by(GateName.TIME):
            return _FAILED, None, None, self.analysis.reason
        if self.settled or self.plan.unit is Unit.CASE:
            return _UNASKED, None, None, "Nothing is waited for."
        left = None if ready.days_left is None else ready.days_running + ready.days_left
        return _PASSED, ready.days_running, left, "The plan has time left."

    def _blocks(self, guarded: tuple[ReportResult, ReportComparison]) -> bool:
        """Say whether a guardrail that is not broken would hold a promotion back so far."""
        metric, item = guarded[0].metric, guarded[1]
        if item.state is ResultState.OPEN:
            beyond = (item.effect.relative or 0.0) < -(metric.margin or 0.0)
            return beyond or metric.name in self.required
        return item.state is ResultState.MISSING

    @property
    def required(self) -> frozenset[str]:
        """The metrics of which the plan demands proof."""
        return frozenset(it.metric.name for it in self.plan.guardrails if it.required)

    def _broken(self) -> bool:
        return any(item.state is ResultState.BROKEN for _, item in self.guarded)

    def _stopped_by(self, gate: GateName) -> bool:
        return self.analysis.reason_code in OF_REASON[gate]


def gates(
    plan: Plan,
    rule: Rule,
    analysis: Analysis,
    results: Sequence[ReportResult],
    leading: str | None,
) -> Iterator[GateReading]:
    """Read every gate for the treatment that is spoken of, in the order of their telling."""
    keeper = _Gatekeeper(
        plan,
        rule,
        analysis,
        next((it for it in results[0].comparisons if it.treatment == leading), None),
        [
            (result, item)
            for result in results
            if result.metric.margin is not None
            for item in result.comparisons
            if item.treatment == leading
        ],
    )
    for gate in GateName:
        state, seen, needed, sentence = getattr(keeper, gate.value)()
        decides = analysis.reason_code in OF_REASON[gate]
        yield GateReading(gate, state, seen, needed, sentence, decides)
