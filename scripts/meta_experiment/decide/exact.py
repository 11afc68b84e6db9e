"""What the draw of the arms alone says, beside what decides: whatever the values are like."""

from __future__ import annotations

from collections.abc import Sequence

from meta_experiment.decide.metrics.robust import units, weigh_draw
from meta_experiment.decide.rules import rule_of
from meta_experiment.decide.samples import Samples, match_of
from meta_experiment.decide.scale import sign
from meta_experiment.decide.units import arms_of
from meta_experiment.errors import UsageError
from meta_experiment.stats.sequential import safe_exp
from meta_experiment.types import ExactEvidence, Plan, Trial, Unit


def exact_evidence(plan: Plan, trials: Sequence[Trial], as_of: float) -> ExactEvidence:
    """Weigh the ranks of the primary metric against no effect on anyone, by the draw alone.

    Raises:
        UsageError: how the arms were drawn is not known, or there is more than one treatment.
    """
    if not plan.knows_its_draw:
        raise UsageError(
            f"--exact weighs how units were drawn into two arms, and here {_why_not(plan)}.",
            hint="Leave --exact out: the decision does not rest on it.",
        )
    (treatment,) = plan.treatments
    look = rule_of(plan).look(plan, trials, as_of)
    samples = Samples(arms_of(plan, look.trials), match_of(plan))
    drawn = units(*samples.compared(treatment.name, plan.primary))
    weigh, better = weigh_draw(plan), sign(plan.primary)
    return ExactEvidence(
        treatment=treatment.name,
        units=len(drawn),
        e_better=safe_exp(weigh(drawn, better)),
        e_worse=safe_exp(weigh(drawn, -better)),
    )


def _why_not(plan: Plan) -> str:
    """Say why the draw of the arms tells nothing."""
    if plan.unit is Unit.CASE:
        return "nothing is drawn: every case runs in every arm"
    if plan.team is not None:
        return "several machines draw, each from blocks of its own"
    if len(plan.variants) > 2:
        return f"there are {len(plan.variants)} arms"
    if not plan.primary.is_recorded:
        return f"no single trial has the value that is compared, {plan.primary.name}"
    return f"units are assigned by {plan.assignment.value}, not drawn"
