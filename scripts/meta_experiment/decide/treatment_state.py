"""The state of each treatment, and what stands between it and its promotion."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from meta_experiment.decide.doubts import Doubt
from meta_experiment.decide.guardrails import Judgement
from meta_experiment.decide.quality import Problem
from meta_experiment.decide.rules.rule import Rule
from meta_experiment.decide.safety import Harm
from meta_experiment.records import dataclass
from meta_experiment.stats.figures import chosen, described
from meta_experiment.types import (
    Alert,
    Claim,
    Comparison,
    EndedArm,
    GuardrailState,
    HoldoutStanding,
    Obstacle,
    Plan,
    Readiness,
    ReasonCode,
)


@dataclass(frozen=True, slots=True)
class TreatmentState:
    """State of one treatment, as far as the data tell.

    `improvement` is the point estimate (see `scale.improvement`). `better` and `worse` are log
    evidence on the primary metric, `better` corrected for several treatments.
    `doubt` is what its promotion would not stand (see `doubts`), `equivalent` whether the
    effect is shown to lie within the plan's margin of equivalence, `errors` that errors rise
    (see `errors_rise`). `ready` says whether its arm and the control have the units that the
    plan asks for, `harm` what is proven harm of it.
    """

    comparison: Comparison
    improvement: float
    better: float
    worse: float
    guardrails: tuple[Judgement, ...]
    doubt: Doubt | None = None
    equivalent: bool = False
    errors: str | None = None
    ready: bool = True
    harm: Harm | None = None

    @property
    def treatment(self) -> str:
        """The name of the variant."""
        return self.comparison.treatment


@dataclass(frozen=True, slots=True)
class VerdictInput:
    """All that a verdict rests on.

    `highest(treatment)` is the largest effect that may still be true, at the plan's α for all
    treatments together; None where it has no bound. `measured` is the number of units with a
    value of the primary metric, `waiting` that of units a fixed look waits for, both without
    the arms that have `ended`. `horizon` says which limit is reached, `stale` why the evidence
    no longer speaks of what runs now, `holdout` how a promotion stands that is watched.
    """

    plan: Plan
    rule: Rule
    readiness: Readiness
    states: tuple[TreatmentState, ...]
    measured: int
    highest: Callable[[str], float | None] = lambda _: None
    problems: tuple[Problem, ...] = ()
    ended: tuple[EndedArm, ...] = ()
    alerts: tuple[Alert, ...] = ()
    horizon: str | None = None
    waiting: int = 0
    stale: str | None = None
    holdout: HoldoutStanding | None = None

    @property
    def bar(self) -> float:
        """The log evidence that an action needs."""
        return self.rule.bar(self.plan.alpha, 1)

    @property
    def candidates(self) -> tuple[TreatmentState, ...]:
        """The treatments that go on, the best looking first."""
        ended = {item.treatment for item in self.ended}
        left = (item for item in self.states if item.treatment not in ended)
        return tuple(sorted(left, key=lambda item: -item.improvement))


def obstacles(inputs: VerdictInput, state: TreatmentState) -> Iterator[Obstacle]:
    """Yield what stands between a treatment and its promotion, what to tell first first."""
    judged = state.guardrails
    yield from _guardrails(judged, GuardrailState.MISSING, ReasonCode.GUARDRAIL_MISSING)
    yield from _guardrails(judged, GuardrailState.FAIL, ReasonCode.GUARDRAIL_FAILED)
    if state.errors is not None:
        yield Obstacle(ReasonCode.ERRORS_RISE, state.errors)
    yield from _primary(inputs, state)
    for item in (judgement.result for judgement in judged):
        if item.beyond and item.state is not GuardrailState.PASS:
            yield Obstacle(ReasonCode.GUARDRAIL_BEYOND_MARGIN, item.reason, item.metric)
        elif item.required and item.state is GuardrailState.UNDETERMINED:
            yield Obstacle(ReasonCode.GUARDRAIL_UNDETERMINED, item.reason, item.metric)


def _primary(inputs: VerdictInput, state: TreatmentState) -> Iterator[Obstacle]:
    plan, words = inputs.plan, inputs.rule.words
    if not state.ready:
        yield Obstacle(
            ReasonCode.INSUFFICIENT_SAMPLES,
            f"{state.treatment} has fewer than the {plan.sample_size} units the plan asks for.",
        )
    elif state.better < inputs.bar:
        yield Obstacle(
            ReasonCode.EVIDENCE_INSUFFICIENT,
            (
                f"{estimate(plan, state)}: not enough evidence for a decision "
                f"({words.strength(state.better, inputs.bar)}, "
                f"needed {words.needed(plan.alpha)})."
            ),
        )
    elif state.improvement < plan.improvement_threshold:
        better = f"{estimate(plan, state)}, shown to be better, but"
        asked = f"the {chosen(plan.improvement_threshold)} the plan asks for"
        short = f"{better} below {asked}"
        if state.comparison.estimate.relative is None:
            of_zero = f"{better} nothing is any per cent of a mean of 0, so that {asked}"
            yield Obstacle(ReasonCode.NO_RELATIVE_EFFECT, f"{of_zero} cannot be checked.")
        elif inputs.rule.extendable:
            yield Obstacle(ReasonCode.BELOW_THRESHOLD_SO_FAR, f"{short} so far.")
        else:
            yield Obstacle(ReasonCode.EFFECT_BELOW_THRESHOLD, f"{short}.")
    elif state.doubt is not None:
        yield Obstacle(state.doubt.code, f"{estimate(plan, state)}, but {state.doubt.but}.")


def _guardrails(
    judged: tuple[Judgement, ...], state: GuardrailState, code: ReasonCode
) -> Iterator[Obstacle]:
    found = (item.result for item in judged if item.result.state is state)
    return (Obstacle(code, item.reason, item.metric) for item in found)


def estimate(plan: Plan, state: TreatmentState) -> str:
    """Say what the point estimate is, for example `b is 12% better than control on …`."""
    comparison, effect = state.comparison, state.comparison.estimate
    if effect.relative is None:
        relation = f"differs by {_number(effect.absolute)} from"
    else:
        relation = f"is {described(effect.relative)} {'than' if effect.relative else 'as'}"
    metric = plan.primary.name
    return f"{comparison.treatment} {relation} {comparison.control} on {metric}"


def _number(value: float | None) -> str:
    return "an unknown amount" if value is None else f"{value:.3g}"


def claim(plan: Plan) -> str:
    """Say what a promotion asserts."""
    if plan.claim is Claim.THRESHOLD:
        return f"better by more than {chosen(plan.improvement_threshold)}"
    return "better"
