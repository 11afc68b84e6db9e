"""Standardised differences of two means."""

from __future__ import annotations

import math

from meta_experiment.records import dataclass
from meta_experiment.stats.inputs import require_fraction
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.special import log_gamma_half_step
from meta_experiment.stats.ttest import Contrast, student_contrast


@dataclass(frozen=True, slots=True)
class EffectSizeInterval:
    """A standardised difference (treatment minus control) with its interval at a level."""

    value: float
    low: float
    high: float


def _cohens_d(contrast: Contrast) -> float:
    return contrast.statistic() / math.sqrt(contrast.n_effective)


def cohens_d(control: Moments, treatment: Moments) -> float:
    """Return treatment minus control over the pooled standard deviation (Cohen 1988).

    Raises:
        DegenerateDataError: with fewer than two values in an arm, or when both are constant.
    """
    return _cohens_d(student_contrast(control, treatment))


def hedges_correction(df: float) -> float:
    """Return the exact factor that removes the bias of Cohen's d (Hedges 1981, eq. 6e).

    Γ(df/2) / (√(df/2) Γ((df-1)/2)); zero for one degree of freedom, where it does not exist.
    """
    if df <= 1.0:
        return 0.0
    return math.exp(log_gamma_half_step(0.5 * (df - 1.0)) - 0.5 * math.log(0.5 * df))


def hedges_g(control: Moments, treatment: Moments) -> float:
    """Return Cohen's d without its small-sample bias (Hedges 1981).

    Raises:
        DegenerateDataError: with fewer than two values in an arm, or when both are constant.
    """
    contrast = student_contrast(control, treatment)
    return _cohens_d(contrast) * hedges_correction(contrast.df)


def effect_size_interval(
    control: Moments, treatment: Moments, *, level: float = 0.95
) -> EffectSizeInterval:
    """Return Cohen's d with its exact interval for normal values.

    The bounds are the effects that put the observed t at the tail probability (1-level)/2 of
    the noncentral t distribution (Steiger and Fouladi 1997). Multiply all three by
    `hedges_correction` for Hedges' g.

    Raises:
        DegenerateDataError: with fewer than two values in an arm, or when both are constant.
        UsageError: when the level is no fraction.
    """
    from meta_experiment.stats.noncentral import noncentrality_bound  # dear, and rarely asked

    require_fraction("level", level)
    contrast = student_contrast(control, treatment)
    t, root = contrast.statistic(), math.sqrt(contrast.n_effective)
    tail = 0.5 * (1.0 - level)
    return EffectSizeInterval(
        value=t / root,
        low=noncentrality_bound(t, contrast.df, upper_tail=tail) / root,
        high=noncentrality_bound(t, contrast.df, upper_tail=1.0 - tail) / root,
    )
