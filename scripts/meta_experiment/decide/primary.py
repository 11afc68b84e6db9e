"""The deciding rule on the primary metric, for all treatments at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from meta_experiment.decide.evidence import NOTHING, Evidence
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.rules.rule import Rule
from meta_experiment.decide.samples import Samples
from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.root_finding import root
from meta_experiment.stats.sequential import safe_exp
from meta_experiment.types import Claim, Comparison, Correction, Interval, Plan, PrimaryResult


def weigh(plan: Plan, rule: Rule, samples: Samples) -> dict[str, Evidence]:
    """Return the log evidence for and against every treatment by itself, as recorded."""
    arms = {item.name: samples.compared(item.name, plan.primary) for item in plan.treatments}
    return weigh_arms(plan, rule, arms)


def weigh_arms(
    plan: Plan, rule: Rule, arms: Mapping[str, tuple[Sample, Sample]]
) -> dict[str, Evidence]:
    """Return the log evidence for and against every treatment, of its samples by its name.

    `better` is against what the plan claims (no difference, or its threshold), `worse` against
    no difference. Samples that carry no evidence count as evidence of 1.
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
    return found


def corrected(rule: Rule, weights: Mapping[str, Evidence]) -> dict[str, Evidence]:
    """Correct what speaks for each treatment for all that are tried.

    What speaks against them stands: an experiment is rejected only when all its treatments are
    shown to be worse.
    """
    better = rule.adjust([evidence.better for evidence in weights.values()])
    return {
        name: replace(evidence, better=together)
        for (name, evidence), together in zip(weights.items(), better, strict=True)
    }


def with_correction(
    plan: Plan,
    rule: Rule,
    samples: Samples,
    result: PrimaryResult,
    weights: Mapping[str, Evidence],
) -> PrimaryResult:
    """Show beside each of several comparisons what the correction leaves of it.

    The lower end is that of the treatment's own interval, at the part of α that the others'
    evidence leaves it: so it passes what the plan claims exactly when the corrected evidence
    convinces. The upper end has α, as `worse` is not corrected.
    """
    if len(weights) < 2:
        return result
    together = corrected(rule, weights)

    def shown(item: Comparison) -> Comparison:
        if item.error is not None:
            return item
        better, left = (
            together[item.treatment].better,
            alpha_left(plan, rule, weights, item.treatment),
        )
        arms = samples.compared(item.treatment, plan.primary)
        low, _ = rule.interval(plan, *arms, left)
        _, high = rule.interval(plan, *arms, plan.alpha)
        evidence = Correction(
            alpha=left,
            e_promote=safe_exp(better) if rule.by_e_values else None,
            p_value=math.exp(-max(0.0, better)),
            interval=Interval(1.0 - left - plan.alpha, low, high),
        )
        return replace(item, corrected=evidence)

    return replace(result, comparisons=tuple(map(shown, result.comparisons)))


def alpha_left(
    plan: Plan, rule: Rule, weights: Mapping[str, Evidence], treatment: str
) -> float:
    """Return the part of α at which a treatment's own evidence promotes it beside the others.

    From α over their number, while nothing speaks for the others, up to α.
    """
    others = [found.better for name, found in weights.items() if name != treatment]
    if not others:
        return plan.alpha
    alone, bar = rule.bar(plan.alpha, 1), rule.bar(plan.alpha, len(weights))
    least = root(lambda own: rule.adjust([own, *others])[0] - alone, alone, bar)
    return plan.alpha * math.exp(alone - least)


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
