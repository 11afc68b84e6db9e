"""The deciding rule on the primary metric, for all treatments at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from meta_experiment.decide.evidence import Evidence
from meta_experiment.decide.rules.rule import Rule
from meta_experiment.decide.samples import Samples
from meta_experiment.decide.scale import effect, improvement
from meta_experiment.decide.units import was_cut_short
from meta_experiment.errors import DegenerateDataError
from meta_experiment.types import Claim, Plan

STRETCH = 4.0

_NOTHING = Evidence(0.0, 0.0, "none")


def weigh(
    plan: Plan, rule: Rule, samples: Samples, stretch: float = 1.0
) -> dict[str, Evidence]:
    """Return the log evidence for and against every treatment.

    `better` is against what the plan claims (no difference, or its threshold) and corrected
    for several treatments; `worse` is against no difference and not corrected, since an
    experiment is rejected only when all its treatments are shown to be worse. Samples that
    carry no evidence count as evidence of 1.
    """
    at = plan.improvement_threshold if plan.claim is Claim.THRESHOLD else 0.0
    found = {}
    for item in plan.treatments:
        arms = samples.compared(item.name, plan.primary, stretch)
        try:
            zero = rule.evidence(plan, *arms, plan.primary, 0.0)
            claimed = rule.evidence(plan, *arms, plan.primary, at) if at else zero
            found[item.name] = replace(zero, better=claimed.better)
        except DegenerateDataError:
            found[item.name] = _NOTHING
    better = rule.adjust([evidence.better for evidence in found.values()])
    return {
        name: replace(evidence, better=corrected)
        for (name, evidence), corrected in zip(found.items(), better, strict=True)
    }


def interruption_check(
    plan: Plan, rule: Rule, samples: Samples, weights: Mapping[str, Evidence]
) -> Callable[[str], bool]:
    """Return whether a treatment's promotion would hold with cut-short trials stretched.

    A trial that was interrupted would have gone on; the promotion must also stand, evidence
    and threshold, when every such trial of every arm had taken four times what it took.
    Nothing is computed when no trial was cut short or nothing is near promotion.
    """
    bar = rule.bar(plan.alpha, 1)
    cut_short = any(
        was_cut_short(trial) for arm in samples.arms.values() for trial in arm.trials
    )
    if not cut_short or all(evidence.better < bar for evidence in weights.values()):
        return lambda _: True
    stretched = weigh(plan, rule, samples, STRETCH)

    def stands(treatment: str) -> bool:
        control, treated = samples.compared(treatment, plan.primary, STRETCH)
        seen = effect(control.centre, treated.centre, plan.primary)
        return (
            stretched[treatment].better >= bar
            and improvement(seen, plan.primary) >= plan.improvement_threshold
        )

    return stands


def is_equivalent(plan: Plan, rule: Rule, samples: Samples, treatment: str) -> bool:
    """Say whether the effect is shown to lie within the plan's margin of equivalence, if any.

    Better than the margin's lower end and worse than its upper end, each at 1/α (two
    one-sided tests, Schuirmann 1987, with the plan's rule).
    """
    margin = plan.equivalence_margin
    if margin is None:
        return False
    arms = samples.compared(treatment, plan.primary)
    try:
        above = rule.evidence(plan, *arms, plan.primary, -margin).better
        below = rule.evidence(plan, *arms, plan.primary, margin).worse
    except DegenerateDataError:
        return False
    return min(above, below) >= rule.bar(plan.alpha, 1)
