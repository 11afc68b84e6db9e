"""Evidence on means under one normal prior, valid at every look.

What decides is `stats.mixed_prior`, of which this is a quarter; alone it weighs whether an
effect lies within a margin. The standardised effect has a N(0, prior_sd²) prior, its sign
mirrored into two half-normal ones, and the standard deviation is integrated out with the
right-Haar measure. The resulting Bayes factors are e-processes: under "no difference" they
exceed 1/α at any time with probability at most α. (Lai 1976, Ann. Statist. 4(2); Pérez-Ortiz,
Lardy, de Heide and Grünwald 2024, Ann. Statist. 52(4); Wang and Ramdas 2025, arXiv
2310.03722.) The guarantee is exact for normal values of equal variance in the pooled and
paired forms; the Welch form is approximate, and needs no equal variances.
"""

from __future__ import annotations

import math

from meta_experiment.records import dataclass
from meta_experiment.stats.inputs import require_fraction, require_positive
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.special import t_log_cdf
from meta_experiment.stats.ttest import Contrast, student_contrast, welch_contrast

PRIOR_SD = 0.7
_LOG_MAX = math.log(math.nextafter(math.inf, 0.0))


@dataclass(frozen=True, slots=True)
class AnytimeT:
    """Anytime-valid evidence on a difference, treatment minus control.

    `log_e_greater` is large when treatment lies above the null, `log_e_less` when below,
    `log_e_two_sided` when either. `p_value` is always valid and two-sided. `low` and `high`
    cover the difference at all looks at once; None where they are still infinite.
    """

    log_e_greater: float
    log_e_less: float
    log_e_two_sided: float
    p_value: float
    statistic: float
    df: float
    difference: float
    low: float | None
    high: float | None


def safe_exp(log_value: float) -> float:
    """Return the exponential, infinite where it overflows."""
    return math.exp(log_value) if log_value <= _LOG_MAX else math.inf


def log_bayes_factor(
    statistic: float, df: float, n_effective: float, prior_sd: float = PRIOR_SD
) -> float:
    """Return the two-sided log e-value of a t statistic."""
    r = 1.0 / (1.0 + prior_sd**2 * n_effective)
    share = (statistic / math.sqrt(df)) ** 2
    return 0.5 * math.log(r) + 0.5 * (df + 1.0) * (math.log1p(share) - math.log1p(r * share))


def log_e_greater(
    statistic: float, df: float, n_effective: float, prior_sd: float = PRIOR_SD
) -> float:
    """Return the one-sided log e-value, large when the statistic is far above zero.

    The half-normal mixture is the two-sided one times twice the posterior probability that
    the effect is positive, which is a Student t with df + 1.
    """
    posterior = posterior_statistic(statistic, df, n_effective, prior_sd)
    two_sided = log_bayes_factor(statistic, df, n_effective, prior_sd)
    return two_sided + math.log(2.0) + t_log_cdf(posterior, df + 1.0)


def posterior_statistic(
    statistic: float, df: float, n_effective: float, prior_sd: float = PRIOR_SD
) -> float:
    """Return the t, with df + 1, of a positive effect under the normal prior's posterior."""
    r = 1.0 / (1.0 + prior_sd**2 * n_effective)
    share = (statistic / math.sqrt(df)) ** 2
    return statistic * math.sqrt((1.0 - r) * (df + 1.0) / df / (1.0 + r * share))


def anytime_radius(
    contrast: Contrast, *, alpha: float = 0.05, prior_sd: float = PRIOR_SD
) -> float | None:
    """Return the half-width of the always-valid 1-α interval; None while it is infinite."""
    r = 1.0 / (1.0 + prior_sd**2 * contrast.n_effective)
    log_q = (math.log(r) + 2.0 * math.log(alpha)) / (contrast.df + 1.0)
    if log_q <= math.log(r):
        return None
    q = math.exp(log_q)
    return contrast.standard_error * math.sqrt(contrast.df * -math.expm1(log_q) / (q - r))


def anytime(
    contrast: Contrast, *, prior_sd: float = PRIOR_SD, null: float = 0.0, alpha: float = 0.05
) -> AnytimeT:
    """Weigh a contrast against a null difference, at any time.

    Raises:
        UsageError: when alpha is no fraction or prior_sd not positive.
    """
    require_fraction("alpha", alpha)
    require_positive("prior_sd", prior_sd)
    t, df, n = contrast.statistic(null), contrast.df, contrast.n_effective
    log_two_sided = log_bayes_factor(t, df, n, prior_sd)
    radius = anytime_radius(contrast, alpha=alpha, prior_sd=prior_sd)
    return AnytimeT(
        log_e_greater=log_e_greater(t, df, n, prior_sd),
        log_e_less=log_e_greater(-t, df, n, prior_sd),
        log_e_two_sided=log_two_sided,
        p_value=math.exp(-max(0.0, log_two_sided)),
        statistic=t,
        df=df,
        difference=contrast.difference,
        low=None if radius is None else contrast.difference - radius,
        high=None if radius is None else contrast.difference + radius,
    )


def anytime_t(
    control: Moments,
    treatment: Moments,
    *,
    prior_sd: float = PRIOR_SD,
    null: float = 0.0,
    alpha: float = 0.05,
    pooled: bool = False,
) -> AnytimeT:
    """Weigh treatment minus control against a null difference, at any time.

    Args:
        control: moments of the control's unit values.
        treatment: moments of the treatment's unit values.
        prior_sd: prior standard deviation of the standardised effect.
        null: the difference that the e-values speak against, in the metric's unit.
        alpha: error rate of the interval.
        pooled: assume equal variances (exact), instead of the Welch form.

    Raises:
        DegenerateDataError: with fewer than two values in an arm, or when both are constant.
        UsageError: when alpha is no fraction or prior_sd not positive.
    """
    contrast = (student_contrast if pooled else welch_contrast)(control, treatment)
    return anytime(contrast, prior_sd=prior_sd, null=null, alpha=alpha)
