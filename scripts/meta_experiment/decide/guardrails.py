"""Metrics that must not get worse: pass, fail, undetermined, or missing."""

from __future__ import annotations

from meta_experiment.decide.evidence import Evidence
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.rules.rule import Rule
from meta_experiment.decide.scale import sign
from meta_experiment.errors import DegenerateDataError
from meta_experiment.records import dataclass
from meta_experiment.stats.figures import chosen, described
from meta_experiment.types import Comparison, Guardrail, GuardrailResult, GuardrailState, Plan

_FEWEST_UNITS = 2
_OPEN = ("and more than {} worse is not ruled out", "beyond its margin of {}; not proven yet")


@dataclass(frozen=True, slots=True)
class Judgement:
    """A guardrail's result with what the verdict needs of it.

    `rejects` says that the treatment is shown to be worse than the margin clearly enough to
    end it.
    """

    result: GuardrailResult
    rejects: bool


def judge(
    plan: Plan,
    rule: Rule,
    guardrail: Guardrail,
    control: Sample,
    treatment: Sample,
    *,
    comparison: Comparison,
    measured: int,
    share: float,
    ready: bool,
) -> Judgement:
    """Say what is known of one guardrail for one treatment.

    `pass`: better than `margin` worse has reached 1/α. `fail`: worse than that has reached 1/α.
    Harm within the margin is what the plan tolerates, however surely it is there. Else
    `undetermined`. `missing`: fewer than half of the `measured` units (of the arm that has
    fewer of them) have the metric.

    Failing blocks a promotion; to end the treatment takes the guardrail's `share` of α, and
    values enough, by the rule, of the guardrail itself (`ready`).
    """
    name, have = guardrail.metric.name, min(len(control), len(treatment))
    rejects, beyond = False, _is_beyond(guardrail, comparison)
    if have < _FEWEST_UNITS or 2 * have < measured:
        state = GuardrailState.MISSING
        reason = f"{name} is known of only {have} of {measured} units per arm."
        if have < _FEWEST_UNITS:
            needed = f"{_FEWEST_UNITS} values per arm are needed"
            reason = f"{name}: {needed}, the smaller arm has {have}."
    else:
        try:
            against_margin = rule.evidence(
                plan, control, treatment, guardrail.metric, -guardrail.margin
            )
            state = _state(against_margin, rule.bar(plan.alpha, 1))
            rejects = ready and against_margin.worse >= rule.bar(plan.alpha, 1 / share)
            reason = _sentence(state, guardrail, comparison, beyond=beyond)
        except DegenerateDataError as degenerate:
            state = GuardrailState.UNDETERMINED
            reason = f"{name}: {degenerate.message}."
    result = GuardrailResult(
        metric=name,
        treatment=comparison.treatment,
        margin=guardrail.margin,
        required=guardrail.required,
        state=state,
        reason=reason,
        comparison=comparison,
        beyond=beyond,
    )
    return Judgement(result, rejects)


def _state(against_margin: Evidence, bar: float) -> GuardrailState:
    if against_margin.better >= bar:
        return GuardrailState.PASS
    failed = against_margin.worse >= bar
    return GuardrailState.FAIL if failed else GuardrailState.UNDETERMINED


def _is_beyond(guardrail: Guardrail, comparison: Comparison) -> bool:
    """Hold the point estimate against the margin; any harm exceeds a control of zero."""
    effect = comparison.estimate
    if effect.relative is not None:
        return effect.relative < -guardrail.margin
    return effect.absolute is not None and sign(guardrail.metric) * effect.absolute < 0


def _sentence(
    state: GuardrailState, guardrail: Guardrail, comparison: Comparison, *, beyond: bool
) -> str:
    name, margin = guardrail.metric.name, chosen(guardrail.margin)
    seen = described(comparison.estimate.relative, guardrail.margin)
    if beyond and comparison.estimate.relative is None:
        seen = "worse than a control of zero"
    return {
        GuardrailState.PASS: f"{name} is {seen}; it is shown to be at most {margin} worse.",
        GuardrailState.FAIL: f"{name} is {seen}, shown to be more than {margin} worse.",
    }.get(state, f"{name} looks {seen}, {_OPEN[beyond].format(margin)}.")
