"""Bayesian answers at one look: chance to be better, and what a wrong choice costs."""

from __future__ import annotations

import math
from collections.abc import Callable

from meta_experiment.errors import DegenerateDataError
from meta_experiment.records import dataclass
from meta_experiment.stats.beliefs import (
    RateLog,
    StudentMean,
    chance_to_exceed,
    chances_to_be_highest,
    expected_shortfall,
)
from meta_experiment.stats.inputs import require_counts, require_fraction, require_positive
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.quadrature import log_concave_integral
from meta_experiment.stats.root_finding import rising_root
from meta_experiment.stats.special import (
    log_beta_cdf,
    log_gamma_half_step,
    normal_isf,
    t_cdf,
    t_isf,
    t_sf,
)
from meta_experiment.stats.ttest import Contrast, require_spread

_SURE = 1e-15
_FARTHEST = 1e6  # steps
_PRECISION = 1e-8  # of an end: a tenth of it is what chances are right to
_POINT = 1e-9  # of a step: a mean that is known for sure


@dataclass(frozen=True, slots=True)
class PairPosterior:
    """The posterior of two arms, greater taken as better.

    `loss_treatment` is E max(control - treatment, 0), `loss_control` the other way round:
    infinite where the tails have no mean.
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
) -> PairPosterior:
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
        return PairPosterior(chance_better=above, loss_control=gain, loss_treatment=loss)
    return PairPosterior(chance_better=below, loss_control=loss, loss_treatment=gain)


def two_means(control: Moments, treatment: Moments) -> PairPosterior:
    """Return how two means compare a posteriori, each t(n - 1) about the observed one.

    Under a flat prior on the means and on the logs of the standard deviations, which may
    differ (Behrens and Fisher's problem as Jeffreys 1940, Ann. Eugenics 10, solves it).

    Raises:
        DegenerateDataError: when an arm has fewer than two values, or all its values are one.
    """
    gap = treatment.minus(control)
    arms = [_student(control, 0.0), _student(treatment, gap)]
    chance = chances_to_be_highest(arms)[1]
    if min(control.n, treatment.n) <= 2:
        return PairPosterior(chance, math.inf, math.inf)
    return PairPosterior(
        chance_better=chance,
        loss_control=expected_shortfall(*arms),
        loss_treatment=expected_shortfall(*reversed(arms)),
    )


def of_contrast(contrast: Contrast) -> PairPosterior:
    """Return how two arms compare whose difference is believed to be t about the estimate."""
    z, df = contrast.statistic(), contrast.df
    chance = t_cdf(z, df)
    if df <= 1.0:
        return PairPosterior(chance, math.inf, math.inf)
    log_density = log_gamma_half_step(0.5 * df) - 0.5 * math.log(math.pi * df)
    density = math.exp(log_density - 0.5 * (df + 1.0) * math.log1p(z * z / df))
    spread = density * (df + z * z) / (df - 1.0)
    gain, loss = spread + z * chance, spread - z * t_sf(z, df)
    return PairPosterior(
        chance_better=chance,
        loss_control=contrast.standard_error * max(0.0, gain),
        loss_treatment=contrast.standard_error * max(0.0, loss),
    )


def normal_inverse_gamma(contrast: Contrast, mean: float, sd: float) -> Contrast:
    """Return what is believed of a difference after a proper prior of this mean and sd.

    The prior of the difference given the variance is normal, worth as many units as make its
    standard deviation the one given at the variance observed; the variance itself has the
    flat prior on its log. The posterior is t, about the mean of both weighted by their units,
    and wider the less they agree (DeGroot 1970, Optimal Statistical Decisions, 9.6).

    Raises:
        UsageError: when the standard deviation is not positive.
    """
    require_positive("the prior's standard deviation", sd)
    n = contrast.n_effective
    worth = n * (contrast.standard_error / sd) ** 2
    together = n + worth
    apart = (contrast.statistic(mean)) ** 2 * worth / together
    df = contrast.df + 1.0
    scale = contrast.standard_error * math.sqrt(n / together * (contrast.df + apart) / df)
    difference = (n * contrast.difference + worth * mean) / together
    return Contrast(difference, scale, df, together)


def mean_difference_interval(
    control: Moments, treatment: Moments, level: float
) -> tuple[float | None, float | None]:
    """Return the central credible interval of treatment minus control.

    Raises:
        DegenerateDataError: as `two_means`.
        UsageError: when the level is no fraction.
    """
    other = _student(treatment, treatment.minus(control))
    step = math.hypot(control.standard_error, treatment.standard_error)

    def above(shift: float) -> float:
        return chance_to_exceed(_student(control, shift), other)

    reach = _reach_of_means(
        control.standard_error, treatment.standard_error, control, treatment
    )
    return _ends(above, treatment.minus(control), step, level, reach)


def mean_ratio_interval(
    control: Moments, treatment: Moments, level: float
) -> tuple[float | None, float | None]:
    """Return the central credible interval of treatment over control, both positive for sure.

    Found where the chance to exceed so many times the control is that of a tail, which needs
    the control's mean to be clear of zero; None on a side where no such place is found.

    Raises:
        DegenerateDataError: as `two_means`, or when the control's mean is zero.
        UsageError: when the level is no fraction.
    """
    if control.mean == 0.0:
        raise DegenerateDataError("the control's mean is zero, expected a base of a ratio")
    side = math.copysign(1.0, control.mean)
    ratio = treatment.mean / control.mean
    step = math.hypot(treatment.standard_error, ratio * control.standard_error)

    def above(x: float) -> float:
        moved = control.scaled(side * x) if x else Moments(control.n, 0.0, 0.0)
        arms = [
            StudentMean(moved.mean, max(moved.standard_error, _POINT * step), control.n - 1.0),
            StudentMean(side * treatment.mean, treatment.standard_error, treatment.n - 1.0),
        ]
        return chance_to_exceed(*arms)

    errors = ratio * control.standard_error, treatment.standard_error
    reach = _reach_of_means(*errors, control, treatment)
    return _ends(above, ratio, step / abs(control.mean), level, reach)


def rate_ratio_interval(
    control: tuple[int, int],
    treatment: tuple[int, int],
    level: float,
    *,
    prior: tuple[float, float] = (1.0, 1.0),
) -> tuple[float | None, float | None]:
    """Return the central credible interval of treatment over control, of two rates.

    Both are successes and trials; independent Beta priors.

    Raises:
        UsageError: when successes do not fit into trials, or the level is no fraction.
    """
    shapes = []
    for successes, trials in (control, treatment):
        require_counts(successes, trials)
        shapes.append((successes + prior[0], trials - successes + prior[1]))
    one, other = shapes

    def above(log_ratio: float) -> float:
        return chance_to_exceed(RateLog(*one, log_ratio), RateLog(*other))

    middle = math.log(other[0] * sum(one) / (one[0] * sum(other)))
    step = math.sqrt(1.0 / one[0] + 1.0 / other[0])
    ends = _ends(above, middle, step, level, normal_isf)
    low, high = (None if end is None else math.exp(end) for end in ends)
    return low, high


def _ends(
    above: Callable[[float], float],
    middle: float,
    step: float,
    level: float,
    reach: Callable[[float], float],
) -> tuple[float | None, float | None]:
    """Return where a chance that falls passes one less the tail, and the tail.

    On the scale of normal deviates, on which chances fall nearly along a line. `reach` guesses
    how many steps from the middle a tail begins: chances of few units are dear.
    """
    require_fraction("level", level)
    tail = 0.5 * (1.0 - level)
    deviate, guess = normal_isf(tail), reach(tail)

    def end(side: float) -> float | None:
        def excess(far: float) -> float:
            chance = above(middle + side * far * step)
            return side * normal_isf(min(max(chance, _SURE), 1.0 - _SURE)) - deviate

        far = rising_root(excess, guess, _FARTHEST, _PRECISION)
        return None if far is None else middle + side * far * step

    return end(-1.0), end(1.0)


def _reach_of_means(
    one: float, other: float, control: Moments, treatment: Moments
) -> Callable[[float], float]:
    """Return the quantile of Welch's t by its tail, for the standard errors of two arms."""
    a, b = (square / (one**2 + other**2) for square in (one**2, other**2))
    df = 1.0 / (a * a / (control.n - 1.0) + b * b / (treatment.n - 1.0))
    return lambda tail: t_isf(tail, df)


def _student(arm: Moments, center: float) -> StudentMean:
    require_spread(arm.variance)
    return StudentMean(center, arm.standard_error, arm.n - 1.0)


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
