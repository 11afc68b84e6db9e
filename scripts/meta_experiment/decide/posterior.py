"""What is believed of arms at a look, shown and no more: chances, risks, credible intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from meta_experiment.decide.best_chances import chances_of
from meta_experiment.decide.metrics import design_of, family_of
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.scale import bounds, orientation, sign
from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.bayes import PairPosterior
from meta_experiment.stats.lift_posterior import (
    LiftPosterior,
    NormalPrior,
    log_lift,
    normal_lift,
)
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.reaching import reached_by_equal_arms
from meta_experiment.stats.ttest import welch_contrast
from meta_experiment.types import (
    Interval,
    LiftPrior,
    Metric,
    NormalLift,
    Plan,
    Posterior,
    Risk,
    Scale,
    Unit,
)

_SURE = 1e-12


def posterior(
    plan: Plan, metric: Metric, control: Sample, treatment: Sample
) -> Posterior | None:
    """Return what is believed of two matched samples; None where nothing is.

    The plan's prior is one of the primary metric alone. Sums have no order in which they could
    have been looked at: theirs is one look.
    """
    believe = design_of(plan, metric).believe
    if believe is None or not (len(control) and len(treatment)):
        return None
    prior = plan.prior if metric == plan.primary else None
    level = 1.0 - plan.alpha
    try:
        found = believe(control, treatment, metric, level, prior)
    except DegenerateDataError:
        return None
    pair = _towards_better(found.pair, metric)
    units = min(len(control), len(treatment))
    first = min(plan.sample_size, units) if control.has_order else units
    chance = min(max(pair.chance_better, _SURE), 1.0 - _SURE)
    return Posterior(
        model=found.model,
        chance_better=pair.chance_better,
        risk_control=_risk(pair.loss_control, control.centre, metric),
        risk_treatment=_risk(pair.loss_treatment, control.centre, metric),
        interval=Interval(
            level,
            *bounds(*found.ends, control.centre, metric, family_of(metric).lowest_change),
        ),
        looks=units - first + 1,
        reached_by_equal_arms=reached_by_equal_arms(chance, first, units),
        lift=_lift(plan, metric, control, treatment, prior),
    )


def best(plan: Plan, arms: Mapping[str, Sample]) -> dict[str, float | None]:
    """Return each arm's chance to be the best on the primary metric, without any prior.

    Of arms that are compared case by case nothing is said, as they are not independent; an arm
    with fewer than two values, or whose values are all one, is left out.
    """
    if design_of(plan, plan.primary).believe is None or plan.unit is Unit.CASE:
        return {}
    found = chances_of(plan.primary, {name: _known(sample) for name, sample in arms.items()})
    scored = [chance for chance in found.values() if chance is not None]
    return found if len(scored) > 1 else {}


def _known(sample: Sample) -> Moments | None:
    try:
        return sample.moments
    except DegenerateDataError:
        return None


def _towards_better(pair: PairPosterior, metric: Metric) -> PairPosterior:
    if sign(metric) > 0:
        return pair
    return PairPosterior(1.0 - pair.chance_better, pair.loss_treatment, pair.loss_control)


def _risk(loss: float, centre: float, metric: Metric) -> Risk:
    if not math.isfinite(loss):
        return Risk(None, None)
    if metric.scale is Scale.LOG:
        return Risk(None, loss)
    return Risk(loss, loss / abs(centre) if centre else None)


def _lift(
    plan: Plan, metric: Metric, control: Sample, treatment: Sample, prior: LiftPrior | None
) -> NormalLift | None:
    """Return the relative effect as normal, of arms that are compared unit by unit."""
    if plan.unit is Unit.CASE:
        return None
    log, level = metric.scale is Scale.LOG, 1.0 - plan.alpha
    try:
        one, other = _moments(control), _moments(treatment)
        towards = orientation(control.centre, metric)
        belief = None if prior is None else _as_change(prior, towards, log=log)
        if log:
            found = log_lift(welch_contrast(one, other), prior=belief, level=level)
        else:
            found = normal_lift(one, other, prior=belief, level=level)
    except DegenerateDataError:
        return None
    turned = found if towards > 0 else _turned(found)
    ends = bounds(found.low, found.high, control.centre, metric, -math.inf)
    return NormalLift(
        mean=turned.mean,
        sd=turned.sd,
        interval=Interval(level, *ends),
        chance_better=turned.chance_better,
        risk_control=turned.risk_control,
        risk_treatment=turned.risk_treatment,
    )


def _moments(sample: Sample) -> Moments:
    """Return the moments; of outcomes with the variance p(1 - p), as rates have it."""
    found = sample.moments
    if not sample.is_binary or found.n < 2:
        return found
    return replace(found, m2=found.mean * (1.0 - found.mean) * (found.n - 1))


def _as_change(prior: LiftPrior, towards: float, *, log: bool) -> NormalPrior:
    """Turn a prior of the effect, positive for better, into one of the change there is."""
    mean, sd = towards * prior.mean, prior.sd
    if log:
        mean, sd = math.log1p(mean), sd / (1.0 + mean)
    return NormalPrior(mean, sd * sd)


def _turned(found: LiftPosterior) -> LiftPosterior:
    return LiftPosterior(
        chance_better=1.0 - found.chance_better,
        mean=-found.mean,
        sd=found.sd,
        low=-found.high,
        high=-found.low,
        risk_control=found.risk_treatment,
        risk_treatment=found.risk_control,
    )
