"""Safe at every look: e-values, decided as soon as they convince.

With no difference, the probability that the evidence ever reaches 1/α, at any look, is at most
α. A decision is taken at each look on the data up to it, without memory of earlier looks; that
can only lose crossings, so that the bound holds. Several treatments: closed testing with
averaged e-values (Vovk and Wang 2021, Annals of Statistics 49(3)).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from meta_experiment.decide.evidence import Evidence
from meta_experiment.decide.horizon import longest_days
from meta_experiment.decide.metrics import design_of, family_of
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.odds import odds
from meta_experiment.decide.opening import opens_at
from meta_experiment.decide.rules.rule import Look, Rule, Words
from meta_experiment.decide.scale import Bound, bounds
from meta_experiment.stats.multiplicity import closed_average
from meta_experiment.types import Analysis, Metric, Plan, Trial


def look(plan: Plan, trials: Sequence[Trial], as_of: float) -> Look:
    """Look at everything so far, at any time."""
    del plan, as_of
    return Look(tuple(trials), complete=True)


def is_ready(plan: Plan, seen: Look, smallest: int) -> bool:
    """Ask for the plan's number of measured units in every arm."""
    return seen.complete and smallest >= plan.sample_size


def evidence(
    plan: Plan, control: Sample, treatment: Sample, metric: Metric, at: float
) -> Evidence:
    """Return log e-values."""
    return design_of(plan, metric).evidence(control, treatment, metric, at)


def equivalence(
    plan: Plan, control: Sample, treatment: Sample, metric: Metric, at: float
) -> Evidence:
    """Return the log e-values by which a design shows that an effect lies within a margin."""
    design = design_of(plan, metric)
    return (design.equivalence or design.evidence)(control, treatment, metric, at)


def interval(
    plan: Plan, control: Sample, treatment: Sample, alpha: float
) -> tuple[Bound, Bound]:
    """Return the always-valid interval that has `alpha` on either side."""
    metric = plan.primary
    ends = design_of(plan, metric).interval_always(control, treatment, metric, alpha)
    return bounds(*ends, control.centre, metric, family_of(metric).lowest_change)


def detectable(plan: Plan, units: int, power: float, alpha: float) -> float:
    """Find what crosses the bar at some look from the plan's first on."""
    from meta_experiment.stats.power import anytime_detectable_effect

    return anytime_detectable_effect(
        units, power=power, alpha=alpha, first_look=float(plan.sample_size)
    )


def projection(plan: Plan, analysis: Analysis) -> Sequence[int | None] | None:
    """Project the e-values of means with the same spreads, or of cases."""
    from meta_experiment.decide.rules.e_value_projection import all_needed

    return all_needed(plan, analysis)


def reached(plan: Plan, analysis: Analysis, share: float) -> float:
    """Compare the log e-values with those that decide."""
    from meta_experiment.decide.rules.e_value_projection import evidence_share

    return evidence_share(plan, analysis, share)


def _terms(plan: Plan) -> str:
    until = "" if plan.end_date is None else " at most, until its end date"
    return (
        f"valid at every look from {opens_at(plan):,} units per arm, "
        f"for {longest_days(plan):g} days{until}"
    )


ONE_LOOK = (
    "The p-values and the intervals of one look are valid only where that look was planned in "
    "advance."
)


def _reading(plan: Plan, ready: bool) -> str:
    del plan, ready
    return "The decision rests on odds against chance (e-values), valid at every look."


def _on_cases(plan: Plan) -> Iterator[str]:
    note = design_of(plan, plan.primary).evidence_note
    if note is not None:
        yield f"The e-values weigh {plan.primary.name} {note}."


SEQUENTIAL = Rule(
    look=look,
    is_ready=is_ready,
    extendable=True,
    evidence=evidence,
    equivalence=equivalence,
    adjust=closed_average,
    interval=interval,
    detectable=detectable,
    looks_from=lambda plan, units: min(plan.sample_size, units),
    milestones=(50, 200),
    by_e_values=True,
    projection=projection,
    reached=reached,
    words=Words(
        terms=_terms,
        strength=lambda log_e, bar: f"evidence {odds(log_e, bar)}",
        needed=lambda alpha: odds(-math.log(alpha)),
        correction="closed testing on averaged e-values",
        reading=_reading,
        one_look=ONE_LOOK,
        on_cases=_on_cases,
        on_promotion=(
            "An estimate at the moment it convinces leans high: expect somewhat less than "
            "the point estimate, and read the always-valid interval."
        ),
    ),
)
