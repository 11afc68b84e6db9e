"""The verdict: gates in a fixed order, of which the first that applies decides.

no arm left (see `ending`) → alerts that may act → data quality → readiness → degenerate data
     → promotion → no difference, or nothing to lose → practical threshold → horizon → extend

A holdout: data quality → readiness → degenerate data → what is shown → horizon, extend
"""

from __future__ import annotations

import math
from collections.abc import Callable

from meta_experiment.decide.alerts import acted, acts
from meta_experiment.decide.odds import odds
from meta_experiment.decide.treatment_state import (
    VerdictInput,
    claim,
    estimate,
    obstacles,
)
from meta_experiment.records import dataclass
from meta_experiment.stats.figures import chosen, described
from meta_experiment.types import Decision, Obstacle, ReasonCode


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision, its stable reason, and a sentence with numbers."""

    decision: Decision
    code: ReasonCode
    reason: str
    winner: str | None = None


Gate = Callable[[VerdictInput], Verdict | None]


def verdict(inputs: VerdictInput) -> Verdict:
    """Return what the first gate that applies says."""
    for gate in GATES if inputs.holdout is None else HOLDOUT_GATES:
        decided = gate(inputs)
        if decided is not None:
            return decided
    raise AssertionError("the last gate applies to everything")


def _none_left(inputs: VerdictInput) -> Verdict | None:
    """Reject when every treatment has ended, for what ended the least bad of them."""
    if inputs.candidates:
        return None
    least_bad = max(inputs.states, key=lambda item: item.improvement).treatment
    why = next(item for item in inputs.ended if item.treatment == least_bad)
    return Verdict(Decision.REJECT, why.reason_code or ReasonCode.TREATMENT_WORSE, why.reason)


def _acting_alert(inputs: VerdictInput) -> Verdict | None:
    for alert in inputs.alerts:
        if alert.treatment is None and acts(inputs.plan, alert):
            return Verdict(Decision.REJECT, ReasonCode.ALERT_ACTED, acted(alert))
    return None


def _quality(inputs: VerdictInput) -> Verdict | None:
    for problem in inputs.problems:
        return Verdict(_open_or_closed(inputs), problem.code, problem.sentence)
    return None


def _not_ready(inputs: VerdictInput) -> Verdict | None:
    if inputs.readiness.ready:
        return None
    code = ReasonCode.INSUFFICIENT_SAMPLES
    if inputs.waiting:
        code = ReasonCode.WAITING_FOR_TRIALS
    elif not inputs.measured:
        code = ReasonCode.NO_DATA
    return _undecided(inputs, code, inputs.readiness.reason)


def _degenerate(inputs: VerdictInput) -> Verdict | None:
    errors = [item.comparison.error for item in inputs.candidates]
    if not all(errors):
        return None
    return Verdict(
        _open_or_closed(inputs),
        ReasonCode.DEGENERATE_DATA,
        f"The values carry no evidence: {errors[0]}.",
    )


def _promoted(inputs: VerdictInput) -> Verdict | None:
    clear = [item for item in inputs.candidates if next(obstacles(inputs, item), None) is None]
    if not clear:
        return None
    best = clear[0]
    if inputs.stale is not None:
        return Verdict(_open_or_closed(inputs), ReasonCode.EVIDENCE_STALE, inputs.stale)
    return Verdict(
        Decision.PROMOTE,
        ReasonCode.TREATMENT_BETTER,
        f"{estimate(inputs.plan, best)}, shown to be {claim(inputs.plan)} "
        f"({inputs.rule.words.strength(best.better, None)}).",
        winner=best.treatment,
    )


def _no_difference(inputs: VerdictInput) -> Verdict | None:
    if not all(item.equivalent for item in inputs.candidates):
        return None
    return Verdict(
        Decision.INCONCLUSIVE,
        ReasonCode.NO_MEANINGFUL_DIFFERENCE,
        f"{estimate(inputs.plan, inputs.candidates[0])}; the difference is shown to be within "
        f"{chosen(inputs.plan.equivalence_margin or 0)}.",
    )


def _nothing_to_lose(inputs: VerdictInput) -> Verdict | None:
    """End what loses less than the plan's price whichever is chosen; it promotes nothing."""
    price, found = inputs.plan.price, [item.comparison.posterior for item in inputs.candidates]
    if price is None:
        return None
    risks = [
        risk.relative
        for item in found
        if item is not None
        for risk in (item.risk_control, item.risk_treatment)
    ]
    known = [risk for risk in risks if risk is not None and risk < price]
    if len(known) < 2 * len(found):
        return None
    return Verdict(
        Decision.INCONCLUSIVE,
        ReasonCode.RISKS_BELOW_PRICE,
        f"{estimate(inputs.plan, inputs.candidates[0])}; either choice is expected to lose at "
        f"most {max(known):.2%} of the control, less than the {100 * price:.3g}% that the plan "
        "calls nothing.",
    )


def _out_of_reach(inputs: VerdictInput) -> Verdict | None:
    """End what can no longer reach the threshold."""
    plan = inputs.plan
    threshold, best = plan.improvement_threshold, inputs.candidates[0]
    if best.improvement >= threshold:
        return None
    highest = [inputs.highest(item.treatment) for item in inputs.candidates]
    known = [bound for bound in highest if bound is not None and bound < threshold]
    if len(known) < len(highest):
        return None
    together = f", for all {len(known)} treatments together" if len(known) > 1 else ""
    return Verdict(
        Decision.INCONCLUSIVE,
        ReasonCode.EFFECT_BELOW_THRESHOLD,
        f"{estimate(plan, best)}; at {100 * (1 - plan.alpha):.4g}% confidence, whenever one "
        f"looks{together}, the true effect is at best {described(max(known))}, below the "
        f"{chosen(threshold)} asked for.",
    )


def _horizon(inputs: VerdictInput) -> Verdict | None:
    if inputs.horizon is None or not inputs.rule.extendable:
        return None
    return _undecided(inputs, ReasonCode.HORIZON_REACHED, _first_obstacle(inputs).reason)


def _not_yet(inputs: VerdictInput) -> Verdict | None:
    first = _first_obstacle(inputs)
    return Verdict(_open_or_closed(inputs), first.reason_code, first.reason)


GATES: tuple[Gate, ...] = (
    _none_left,
    _acting_alert,
    _quality,
    _not_ready,
    _degenerate,
    _promoted,
    _no_difference,
    _nothing_to_lose,
    _out_of_reach,
    _horizon,
    _not_yet,
)


def _answered(inputs: VerdictInput) -> Verdict | None:
    """Say what a holdout has shown, the gravest first: each answer has an α of its own."""
    found, plan = inputs.holdout, inputs.plan
    if found is None:
        return None
    best = inputs.candidates[0]
    seen = estimate(plan, best)
    for decision, code, e_value, shown in (
        (Decision.REJECT, ReasonCode.REVERSED, found.reversed, "shown to be worse by now"),
        (
            Decision.INCONCLUSIVE,
            ReasonCode.DECAYED,
            found.decayed,
            f"shown to be below the {described(found.decayed_below)} it was to keep",
        ),
        (Decision.PROMOTE, ReasonCode.STILL_BETTER, found.still_better, "still better"),
    ):
        if e_value >= math.exp(inputs.bar):
            said = f"{seen}: {shown} (evidence {odds(math.log(e_value))})."
            won = best.treatment if decision is Decision.PROMOTE else None
            return Verdict(decision, code, said, winner=won)
    return None


def _watched(inputs: VerdictInput) -> Verdict:
    """Say of a holdout that nothing is shown yet, or to its last day was not."""
    found, told = inputs.holdout, ""
    if found is not None:
        told = (
            f"{estimate(inputs.plan, inputs.candidates[0])}; e-values: still better "
            f"{found.still_better:.3g}, reversed {found.reversed:.3g}, decayed "
            f"{found.decayed:.3g} (needed {inputs.rule.words.needed(inputs.plan.alpha)})."
        )
    return _undecided(inputs, ReasonCode.EVIDENCE_INSUFFICIENT, told)


HOLDOUT_GATES: tuple[Gate, ...] = (_quality, _not_ready, _degenerate, _answered, _watched)


def held_back(inputs: VerdictInput, decided: Verdict) -> tuple[Obstacle, ...]:
    """Return all that stands between what leads and a promotion; none where it is decided.

    Before the data are sound and enough, that alone does.
    """
    if decided.decision in (Decision.PROMOTE, Decision.REJECT) or decided.code in _ANSWERS:
        return ()
    told: dict[str, Obstacle] = {}
    asked = inputs.readiness.ready and not inputs.problems and inputs.holdout is None
    if asked and decided.code is not ReasonCode.DEGENERATE_DATA:
        for item in obstacles(inputs, inputs.candidates[0]):
            told.setdefault(item.reason, item)  # a broken guardrail is beyond as well
    found = tuple(told.values())
    if found and decided.code in (ReasonCode.HORIZON_REACHED, found[0].reason_code):
        return found
    return (Obstacle(decided.code, decided.reason), *found)


_ANSWERS = (
    ReasonCode.NO_MEANINGFUL_DIFFERENCE,
    ReasonCode.RISKS_BELOW_PRICE,
    ReasonCode.EFFECT_BELOW_THRESHOLD,
    ReasonCode.DECAYED,
)
"""Reasons that answer the question without a promotion, so that nothing is waited for."""


def _first_obstacle(inputs: VerdictInput) -> Obstacle:
    return next(obstacles(inputs, inputs.candidates[0]))


def _open_or_closed(inputs: VerdictInput) -> Decision:
    """More data may still come, or the plan has had all it will look at."""
    looked = not inputs.rule.extendable and inputs.readiness.ready
    closed = looked or inputs.horizon is not None
    return Decision.INCONCLUSIVE if closed else Decision.EXTEND


def _undecided(inputs: VerdictInput, code: ReasonCode, sentence: str) -> Verdict:
    if inputs.horizon is None:
        return Verdict(Decision.EXTEND, code, sentence)
    return Verdict(
        Decision.INCONCLUSIVE,
        ReasonCode.HORIZON_REACHED,
        f"The plan ends {inputs.horizon} without a decision. {sentence}",
    )
