"""Posterior of a relative lift, normal by the delta method."""

from __future__ import annotations

import math

from tests.reference.lift import lift_delta

from meta_experiment.records import dataclass
from meta_experiment.stats.inputs import require_fraction, require_positive
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.special import normal_cdf, normal_isf


@dataclass(frozen=True, slots=True)
class NormalPrior:
    """A normal prior on the relative lift, as fractions."""

    mean: float
    variance: float


@dataclass(frozen=True, slots=True)
class LiftPosterior:
    """The posterior of treatment/control - 1, greater taken as better.

    `risk_control` is the expected gain forgone by keeping the control, `risk_treatment` the
    expected loss from shipping the treatment; both in units of the lift.
    """

    chance_better: float
    mean: float
    sd: float
    low: float
    high: float
    risk_control: float
    risk_treatment: float


def normal_lift(
    control: Moments,
    treatment: Moments,
    *,
    prior: NormalPrior | None = None,
    level: float = 0.95,
) -> LiftPosterior:
    """Return the posterior of the relative lift, normal by the delta method.

    Without a prior the flat one is used. Risks are those of Stucchio (2015, Bayesian A/B
    testing at VWO) in closed form.

    Raises:
        DegenerateDataError: with fewer than two values in an arm, when both are constant, or
            when the control's mean is zero.
        UsageError: when the level is no fraction or the prior variance not positive.
    """
    require_fraction("level", level)
    lift = lift_delta(control, treatment, level=level)
    ratio = 1.0 + lift.estimate
    se = math.hypot(treatment.standard_error, ratio * control.standard_error)
    precision = ((control.mean + control.residual) / se) ** 2
    mean = lift.estimate
    if prior is not None:
        require_positive("the prior variance", prior.variance)
        weighted = mean * precision + prior.mean / prior.variance
        precision += 1.0 / prior.variance
        mean = weighted / precision
    sd = 1.0 / math.sqrt(precision)
    radius = normal_isf(0.5 * (1.0 - level)) * sd
    return LiftPosterior(
        chance_better=normal_cdf(mean / sd),
        mean=mean,
        sd=sd,
        low=mean - radius,
        high=mean + radius,
        risk_control=sd * _normal_loss(-mean / sd),
        risk_treatment=sd * _normal_loss(mean / sd),
    )


def _normal_loss(z: float) -> float:
    """Return E max(Z - z, 0) for the standard normal."""
    density = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    return max(0.0, density - z * normal_cdf(-z))
