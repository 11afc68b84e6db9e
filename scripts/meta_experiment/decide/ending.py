"""Ending of an arm: harm shown in a treatment ends it, and the others go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from meta_experiment.decide.alerts import acted, acts
from meta_experiment.decide.rules.rule import Rule
from meta_experiment.decide.treatment_state import TreatmentState, estimate
from meta_experiment.records import dataclass
from meta_experiment.types import Alert, EndedArm, Plan, ReasonCode


@dataclass(frozen=True, slots=True)
class Grounds:
    """What the ending of an arm rests on beside its state.

    `share` is that of the deciding rule (see `AlphaShares.look`); `sound` says that the data
    may be decided on, which harm and an alert do not wait for.
    """

    plan: Plan
    rule: Rule
    share: float
    sound: bool
    alerts: Sequence[Alert]


Ending = Callable[[Grounds, TreatmentState], tuple[ReasonCode, str] | None]


def ending(grounds: Grounds, state: TreatmentState) -> EndedArm | None:
    """Say what ends an arm, the gravest first; None when nothing does."""
    for asked in ENDINGS:
        found = asked(grounds, state)
        if found is not None:
            return EndedArm(state.treatment, None, *found)
    return None


def _harm(grounds: Grounds, state: TreatmentState) -> tuple[ReasonCode, str] | None:
    """End it before all else, unless the primary metric does so by the plan's own rule."""
    if state.harm is None:
        return None
    on_primary = state.harm.metric == grounds.plan.primary.name
    if on_primary and _worse(grounds, state) is not None:
        return None
    return ReasonCode.SAFETY_HARM, state.harm.sentence


def _alert(grounds: Grounds, state: TreatmentState) -> tuple[ReasonCode, str] | None:
    for alert in grounds.alerts:
        if alert.treatment == state.treatment and acts(grounds.plan, alert):
            return ReasonCode.ALERT_ACTED, acted(alert)
    return None


def _guardrail(grounds: Grounds, state: TreatmentState) -> tuple[ReasonCode, str] | None:
    broken = [item.result.reason for item in state.guardrails if item.rejects]
    if not (grounds.sound and broken):
        return None
    return ReasonCode.GUARDRAIL_FAILED, f"{state.treatment} breaks a guardrail: {broken[0]}"


def _worse(grounds: Grounds, state: TreatmentState) -> tuple[ReasonCode, str] | None:
    bar = grounds.rule.bar(grounds.plan.alpha, 1 / grounds.share)
    if not (grounds.sound and state.ready and state.worse >= bar):
        return None
    strength = grounds.rule.words.strength(state.worse, None)
    seen = estimate(grounds.plan, state)
    return ReasonCode.TREATMENT_WORSE, f"{seen}, shown to be worse ({strength})."


ENDINGS: tuple[Ending, ...] = (_harm, _alert, _guardrail, _worse)
