"""Posterior of a relative lift, normal by the delta method or on the log scale.

A prior is one of the lift, never of an arm: arms keep what was observed of them.
"""

from __future__ import annotations

import math

from meta_experiment.errors import DegenerateDataError
from meta_experiment.records import dataclass
from meta_experiment.stats.inputs import require_fraction, require_positive
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.special import normal_cdf, normal_isf
from meta_experiment.stats.ttest import Contrast, require_spread


@dataclass(frozen=True, slots=True)
class NormalPrior:
    """A normal prior on the relative lift, as fractions."""

    mean: float
    variance: float

    @classmethod
    def from_interval(cls, low: float, high: float, *, level: float = 0.95) -> NormalPrior:
        """Return the prior of which an interval of earlier data is the central one.

        Raises:
            UsageError: when the level is no fraction, or the interval has no width.
        """
        require_fraction("level", level)
        require_positive("the width of the prior's interval", high - low)
        sd = (high - low) / (2.0 * normal_isf(0.5 * (1.0 - level)))
        return cls(0.5 * (low + high), sd * sd)


@dataclass(frozen=True, slots=True)
class LiftPosterior:
    """The posterior of a lift, greater taken as better.

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
    """Return the posterior of treatment/control - 1, normal by the delta method.

    Without a prior the flat one is used.

    Raises:
        DegenerateDataError: with fewer than two values in an arm, when both are constant, or
            when the control's mean is zero.
        UsageError: when the level is no fraction or the prior variance not positive.
    """
    base = control.mean + control.residual
    if base == 0.0:
        raise DegenerateDataError(
            "the control's mean is zero, expected a base that a relative lift can refer to"
        )
    lift = treatment.minus(control) / base
    variance = treatment.standard_error**2 + ((1.0 + lift) * control.standard_error) ** 2
    require_spread(variance)
    return _updated(lift, math.sqrt(variance) / abs(base), prior, level)


def log_lift(
    contrast: Contrast, *, prior: NormalPrior | None = None, level: float = 0.95
) -> LiftPosterior:
    """Return the posterior of a difference of logarithms, normal, given its contrast.

    The prior is on that difference too.

    Raises:
        UsageError: when the level is no fraction or the prior variance not positive.
    """
    return _updated(contrast.difference, contrast.standard_error, prior, level)


def _updated(
    estimate: float, se: float, prior: NormalPrior | None, level: float
) -> LiftPosterior:
    """Weigh an estimate with the prior; risks as in Stucchio (2015, VWO), in closed form."""
    require_fraction("level", level)
    mean, precision = estimate, se**-2
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
