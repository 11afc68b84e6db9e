"""Bayesian answers at one look: chance to be better, and what a wrong choice costs."""

from __future__ import annotations

import math
from collections.abc import Callable

from meta_experiment.records import dataclass
from meta_experiment.stats.inputs import require_counts
from meta_experiment.stats.quadrature import log_concave_integral
from meta_experiment.stats.special import log_beta_cdf


@dataclass(frozen=True, slots=True)
class RatePosterior:
    """The posterior of two rates, greater taken as better.

    `loss_treatment` is E max(control - treatment, 0), `loss_control` the other way round.
    """

    chance_better: float
    loss_control: float
    loss_treatment: float


def beta_binomial(
    control_successes: int,
    control_trials: int,
    treatment_successes: int,
    treatment_trials: int,
    *,
    prior_alpha: float = 1.0,
    prior_beta: float = 1.0,
) -> RatePosterior:
    """Return how the two rates compare a posteriori, under independent Beta priors.

    What the wider posterior says at a point is averaged over the narrower one, on the logit
    scale, where every factor is log-concave. The smaller chance is integrated and nothing
    cancels, so small chances and losses keep their digits.

    Raises:
        UsageError: when successes do not fit into trials, or a prior parameter is below 0.1.
    """
    require_counts(control_successes, control_trials)
    require_counts(treatment_successes, treatment_trials)
    control = _Beta(
        control_successes + prior_alpha, control_trials - control_successes + prior_beta
    )
    treatment = _Beta(
        treatment_successes + prior_alpha, treatment_trials - treatment_successes + prior_beta
    )
    narrow, wide = sorted((control, treatment), key=lambda posterior: posterior.sd)
    above, below = _chances(narrow, wide)
    gain = narrow.average(wide.log_shortfall)
    loss = narrow.average(wide.mirrored_log_shortfall)
    if narrow is treatment:
        return RatePosterior(chance_better=above, loss_control=gain, loss_treatment=loss)
    return RatePosterior(chance_better=below, loss_control=loss, loss_treatment=gain)


@dataclass(frozen=True, slots=True)
class _Beta:
    """A Beta distribution seen through the logit w of its variable."""

    a: float
    b: float

    @property
    def center(self) -> float:
        return math.log(self.a / self.b)

    @property
    def sd(self) -> float:
        return math.sqrt(1.0 / self.a + 1.0 / self.b)

    def average(self, log_function: Callable[[float], float]) -> float:
        """Return the mean of a log-concave function of w, given its logarithm."""
        log_beta = math.lgamma(self.a) + math.lgamma(self.b) - math.lgamma(self.a + self.b)

        def integrand(w: float) -> float:
            return log_function(w) - self.a * _softplus(-w) - self.b * _softplus(w)

        return math.exp(log_concave_integral(integrand, self.center, self.sd) - log_beta)

    def log_cdf(self, w: float) -> float:
        return log_beta_cdf(_logistic(w), self.a, self.b)

    def log_sf(self, w: float) -> float:
        return log_beta_cdf(_logistic(-w), self.b, self.a)

    def log_shortfall(self, w: float) -> float:
        """Return log E max(x - θ, 0) at the x whose logit is w."""
        x = _logistic(w)
        log_cdf = log_beta_cdf(x, self.a, self.b)
        if log_cdf == -math.inf:
            return -math.inf
        above = math.exp(log_beta_cdf(x, self.a + 1.0, self.b) - log_cdf)
        return log_cdf + math.log(max(x - self.a / (self.a + self.b) * above, 1e-300))

    def mirrored_log_shortfall(self, w: float) -> float:
        """Return log E max(θ - x, 0) at the x whose logit is w."""
        return _Beta(self.b, self.a).log_shortfall(-w)


def _chances(narrow: _Beta, wide: _Beta) -> tuple[float, float]:
    """Return the chances that the narrower posterior lies above and below the wider one."""
    if narrow.center > wide.center:
        below = narrow.average(wide.log_sf)
        return 1.0 - below, below
    above = narrow.average(wide.log_cdf)
    return above, 1.0 - above


def _softplus(w: float) -> float:
    return max(w, 0.0) + math.log1p(math.exp(-abs(w)))


def _logistic(w: float) -> float:
    return 1.0 / (1.0 + math.exp(-w)) if w > -700.0 else 0.0
