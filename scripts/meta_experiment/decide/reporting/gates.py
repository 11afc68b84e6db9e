"""The gates of a decision, each with what was seen of it and what it needs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from meta_experiment.decide.metrics import family_of
from meta_experiment.decide.quality import problems
from meta_experiment.decide.reporting.health import health
from meta_experiment.decide.rules.rule import Rule
from meta_experiment.decide.scale import improvement
from meta_experiment.records import dataclass
from meta_experiment.stats.figures import chosen, described
from meta_experiment.types import Analysis, Claim, Decision, Plan, ReasonCode, Unit
from meta_experiment.types.results.report import GateName, GateReading, GateState
from meta_experiment.types.results.report_metrics import (
    ReportComparison,
    ReportResult,
    ResultState,
)
from meta_experiment.types.results.report_standing import CheckState, EndingEvidence

_Reading = tuple[GateState, float | None, float | None, str]
_PASSED, _FAILED, _OPEN, _UNASKED, _NOTHING = (
    GateState.PASSED,
    GateState.FAILED,
    GateState.OPEN,
    GateState.NOT_ASKED,
    GateState.NOTHING_YET,
)
_GUARDED = (
    ResultState.BROKEN,
    ResultState.BEYOND,
    ResultState.MISSING,
    ResultState.OPEN,
    ResultState.EARLY,
    ResultState.HOLDS,
)
"""States of a guardrail in the order in which they are told, the gravest first."""
OF_REASON = {
    GateName.DATA: (
        ReasonCode.SAMPLE_RATIO_MISMATCH,
        ReasonCode.SHARES_CHANGED,
        ReasonCode.ATTRITION_DIFFERS,
        ReasonCode.LATENESS_DIFFERS,
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

_WORSE = (ReasonCode.TREATMENT_WORSE, ReasonCode.REVERSED)
_NEAR = 90.0  # days; an end that is farther away is no limit that matters
_DOUBTS = OF_REASON[GateName.DOUBTS]
_STATES_OF = {
    ReasonCode.GUARDRAIL_FAILED: (ResultState.BROKEN,),
    ReasonCode.GUARDRAIL_MISSING: (ResultState.MISSING,),
    ReasonCode.GUARDRAIL_BEYOND_MARGIN: (ResultState.BEYOND,),
    ReasonCode.GUARDRAIL_UNDETERMINED: (ResultState.OPEN,),
}


@dataclass(frozen=True, slots=True)
class _Gatekeeper:
    """What the gates are read from: `leading` is what is known of the treatment spoken of.

    `ending` is what ended that treatment, or the experiment, if something did; `over` says that
    no units come any more.
    """

    plan: Plan
    rule: Rule
    analysis: Analysis
    leading: ReportComparison | None
    guarded: Sequence[tuple[ReportResult, ReportComparison]]
    ending: EndingEvidence | None
    over: bool

    @property
    def settled(self) -> bool:
        """Whether the decision is made: nothing more is waited for."""
        return self.analysis.decision is not Decision.EXTEND

    @property
    def empty(self) -> bool:
        """Whether nothing has come yet of which anything could be asked."""
        return not any(arm.assigned for arm in self.analysis.samples.values())

    def data(self) -> _Reading:
        """Ask whether the data may be decided on."""
        found = [item.sentence for item in problems(self.analysis.checks)]
        code = self.analysis.reason_code
        if code in (ReasonCode.DEGENERATE_DATA, ReasonCode.EVIDENCE_STALE):
            found.append(self.analysis.reason)
        if found:
            return _FAILED, None, None, " ".join(found)
        states = {item.check: item.state for item in health(self.analysis.checks)}
        seen = [name.value for name, it in states.items() if it is not CheckState.NOTHING_YET]
        if self.empty or not seen:
            return _NOTHING, None, None, "There are no data to check yet."
        unseen = [name.value for name in states if name.value not in seen]
        told = _capital(f"{_listed(seen)} {_be(seen)} as planned")
        if unseen:
            told += f"; of {_listed(unseen)} there is nothing to check"
        return _PASSED, None, None, f"{told}."

    def units(self) -> _Reading:
        """Ask whether every arm has its units."""
        ready = self.analysis.readiness
        state = _PASSED if ready.ready else _OPEN
        return state, ready.smallest_arm, ready.needed_per_arm, ready.reason

    def guardrails(self) -> _Reading:
        """Ask whether something got worse that may not."""
        told = [
            f"{state.word}: {', '.join(named)}"
            for state in _GUARDED
            if (named := [_named(*it) for it in self.guarded if it[1].state is state])
        ]
        stopped, seen, needed = self._stopped_by(GateName.GUARDRAILS), None, None
        if stopped and self.settled and self.ending:
            seen, needed = self.ending.seen, self.ending.needed
        if stopped and not self._is_named_already():
            told.insert(0, self.analysis.reason.rstrip("."))
        elif not self.plan.guardrails:
            return _UNASKED, None, None, "The plan has no guardrails."
        states = {item.state for _, item in self.guarded}
        state = _OPEN if any(map(self._blocks, self.guarded)) else _PASSED
        if ResultState.BROKEN in states or (stopped and self.settled):
            state = _FAILED
        elif stopped:
            state = _OPEN
        elif states <= {ResultState.EARLY}:
            state = _NOTHING
            told = ["No effect is told before the plan's least units"]
        return state, seen, needed, f"{_capital('; '.join(told))}."

    def evidence(self) -> _Reading:
        """Ask whether the treatment is shown to be better."""
        ending = self.ending
        if ending is not None and ending.reason_code in _WORSE and ending.seen is not None:
            words = self.rule.words
            needed = words.needed(math.exp(-(ending.needed or 0.0)))
            told = f"For worse, {words.strength(ending.seen, None)}, needed {needed}."
            return _FAILED, ending.seen, ending.needed, told
        bar = self.rule.bar(self.plan.alpha, 1)
        known = self.leading.evidence if self.leading else None
        needed = self.rule.words.needed(self.plan.alpha)
        if known is None:
            return _OPEN, None, bar, f"No evidence yet, needed {needed}."
        strength = self.rule.words.strength(known.log_better_adjusted, bar)
        if not self.rule.extendable and not self.analysis.readiness.ready:
            told = (
                f"Asked at the plan's one look; before it no p-value counts, needed {needed}."
            )
            return _UNASKED, None, None, told
        state = _PASSED if known.log_better_adjusted >= bar else _OPEN
        if state is _OPEN and self.settled:
            state = _UNASKED if self._is_before(GateName.EVIDENCE) else _FAILED
        return state, known.log_better_adjusted, bar, f"{_capital(strength)}, needed {needed}."

    def threshold(self) -> _Reading:
        """Ask whether the estimate is worth having."""
        threshold = self.plan.improvement_threshold
        effect = self.leading.effect.relative if self.leading else None
        if not threshold or self.plan.claim is Claim.THRESHOLD:
            return _UNASKED, effect, None, "The plan asks for no estimate beside."
        if effect is None and self._gains_from_zero:
            told = "Of a control of zero any gain is more than so many per cent."
            return _PASSED, None, threshold, told
        if effect is None:
            return _OPEN, None, threshold, "There is no relative effect yet."
        state = _PASSED if effect >= threshold else _OPEN
        if state is _OPEN and self.settled:
            state = _UNASKED if self._is_before(GateName.THRESHOLD) else _FAILED
        asked = f"{chosen(threshold)} better is asked for"
        told = f"The estimate is {described(effect, threshold)}, {asked}."
        return state, effect, threshold, told

    def doubts(self) -> _Reading:
        """Ask whether the finding would stand if what is not on record spoke against it."""
        held = [item for item in self.analysis.obstacles if item.reason_code in _DOUBTS]
        if self._stopped_by(GateName.DOUBTS) or held:
            reason = held[0].reason if held else self.analysis.reason
            return _FAILED if self.settled else _OPEN, None, None, reason
        primary = (GateName.EVIDENCE, GateName.THRESHOLD)
        asked = all(getattr(self, it.value)()[0] in (_PASSED, _UNASKED) for it in primary)
        sound = self.analysis.readiness.ready and not self._stopped_by(GateName.DATA)
        weighed = sound and bool(self.analysis.obstacles)
        if asked and (weighed or self.analysis.decision is Decision.PROMOTE):
            told = "It still holds if cut-short, missing and rare values count against it."
            return _PASSED, None, None, told
        if self.settled:
            return _UNASKED, None, None, "Not asked: it was decided before."
        return _UNASKED, None, None, "Asked once the evidence is there."

    def time(self) -> _Reading:
        """Ask whether the plan goes on."""
        ready = self.analysis.readiness
        if self._stopped_by(GateName.TIME):
            return _FAILED, None, None, self.analysis.reason
        if self.settled or self.over or self.plan.unit is Unit.CASE:
            return _UNASKED, None, None, "Nothing is waited for."
        if ready.days_left is None or ready.days_left > _NEAR:
            return _UNASKED, None, None, f"The plan does not end within {_NEAR:g} days."
        whole = ready.days_running + ready.days_left
        return _PASSED, ready.days_running, whole, "The plan has time left."

    @property
    def _gains_from_zero(self) -> bool:
        """Whether the effect is a gain that is no per cent of anything, and suffices."""
        if self.leading is None:
            return False
        metric = self.plan.primary
        least = family_of(metric).lowest_change
        return improvement(self.leading.effect, metric, least) == math.inf

    def _blocks(self, guarded: tuple[ReportResult, ReportComparison]) -> bool:
        """Say whether a guardrail that is not broken would hold a promotion back so far."""
        metric, item = guarded[0].metric, guarded[1]
        if item.state is ResultState.OPEN:
            return metric.name in self.required
        return item.state in (ResultState.BEYOND, ResultState.MISSING, ResultState.EARLY)

    @property
    def required(self) -> frozenset[str]:
        """The metrics of which the plan demands proof."""
        return frozenset(it.metric.name for it in self.plan.guardrails if it.required)

    def _is_named_already(self) -> bool:
        """Say whether the reason is the state of a guardrail that is told by its own."""
        code = self.analysis.reason_code
        return any(item.state in _STATES_OF.get(code, ()) for _, item in self.guarded)

    def _is_before(self, gate: GateName) -> bool:
        """Say whether the decision was made at a gate before this one."""
        order = list(GateName)
        return any(self._stopped_by(earlier) for earlier in order[: order.index(gate)])

    def _stopped_by(self, gate: GateName) -> bool:
        return self.analysis.reason_code in OF_REASON[gate]


def gates(
    plan: Plan,
    rule: Rule,
    analysis: Analysis,
    results: Sequence[ReportResult],
    leading: str | None,
    endings: Sequence[EndingEvidence] = (),
    *,
    over: bool = False,
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
        next((it for it in endings if it.treatment in (leading, None)), None),
        over,
    )
    for gate in GateName:
        state, seen, needed, sentence = getattr(keeper, gate.value)()
        decides = analysis.reason_code in OF_REASON[gate]
        yield GateReading(gate, state, seen, needed, sentence, decides)


def _named(result: ReportResult, item: ReportComparison) -> str:
    """Name a guardrail with what is seen of it, held against its margin."""
    label, effect = result.metric.label, item.effect.relative
    if item.state is ResultState.EARLY or effect is None:
        return label
    margin = result.metric.margin or 0.0
    return f"{label} ({described(effect, margin)}; {chosen(margin)} worse is allowed)"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _listed(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _be(names: Sequence[str]) -> str:
    plural = len(names) > 1 or names[0].endswith("s")
    return "are" if plural else "is"
