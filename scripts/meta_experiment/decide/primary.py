"""The deciding rule on the primary metric, for all treatments at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from meta_experiment.decide.evidence import NOTHING, Evidence
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.rules.rule import Rule
from meta_experiment.decide.samples import Samples
from meta_experiment.errors import DegenerateDataError
from meta_experiment.types import Claim, Plan


def weigh(plan: Plan, rule: Rule, samples: Samples) -> dict[str, Evidence]:
    """Return the log evidence for and against every treatment, as recorded."""
    arms = {item.name: samples.compared(item.name, plan.primary) for item in plan.treatments}
    return weigh_arms(plan, rule, arms)


def weigh_arms(
    plan: Plan, rule: Rule, arms: Mapping[str, tuple[Sample, Sample]]
) -> dict[str, Evidence]:
    """Return the log evidence for and against every treatment, of its samples by its name.

    `better` is against what the plan claims (no difference, or its threshold) and corrected
    for several treatments; `worse` is against no difference and not corrected, since an
    experiment is rejected only when all its treatments are shown to be worse. Samples that
    carry no evidence count as evidence of 1.
    """
    at = plan.improvement_threshold if plan.claim is Claim.THRESHOLD else 0.0
    found = {}
    for name, compared in arms.items():
        try:
            zero = rule.evidence(plan, *compared, plan.primary, 0.0)
            claimed = rule.evidence(plan, *compared, plan.primary, at) if at else zero
            found[name] = replace(zero, better=claimed.better)
        except DegenerateDataError:
            found[name] = NOTHING
    better = rule.adjust([evidence.better for evidence in found.values()])
    return {
        name: replace(evidence, better=corrected)
        for (name, evidence), corrected in zip(found.items(), better, strict=True)
    }


def is_equivalent(plan: Plan, rule: Rule, samples: Samples, treatment: str) -> bool:
    """Say whether the effect is shown to lie within the plan's margin of equivalence, if any.

    Better than the margin's lower end and worse than its upper end, each at 1/α (two
    one-sided tests, Schuirmann 1987, with the plan's rule).
    """
    margin = plan.equivalence_margin
    if margin is None:
        return False
    arms = samples.compared(treatment, plan.primary)
    weigh_margin = rule.equivalence or rule.evidence
    try:
        above = weigh_margin(plan, *arms, plan.primary, -margin).better
        below = weigh_margin(plan, *arms, plan.primary, margin).worse
    except DegenerateDataError:
        return False
    return min(above, below) >= rule.bar(plan.alpha, 1)
