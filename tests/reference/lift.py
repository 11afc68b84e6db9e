"""Relative lift: treatment mean over control mean, minus one."""

from __future__ import annotations

import math

from meta_experiment.errors import DegenerateDataError
from meta_experiment.records import dataclass
from meta_experiment.stats.inputs import require_fraction
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.special import t_isf, t_sf
from meta_experiment.stats.ttest import satterthwaite, welch_contrast


@dataclass(frozen=True, slots=True)
class Lift:
    """treatment/control - 1 as a fraction; a bound is None where the data set none."""

    estimate: float
    low: float | None
    high: float | None
    df: float
    p_value: float


def lift_delta(control: Moments, treatment: Moments, *, level: float = 0.95) -> Lift:
    """Bound the lift by its first-order Taylor expansion (delta method).

    Variance v_t/(n_t m_c²) + v_c m_t²/(n_c m_c⁴), df of the absolute difference.

    Raises:
        DegenerateDataError: with fewer than two values in an arm, when both are constant, or
            when the control's mean is zero.
    """
    require_fraction("level", level)
    contrast = welch_contrast(control, treatment)
    base = _base(control)
    ratio = _mean(treatment) / base
    se = math.hypot(treatment.standard_error, ratio * control.standard_error) / abs(base)
    estimate = contrast.difference / base
    radius = t_isf(0.5 * (1.0 - level), contrast.df) * se
    p_value = min(1.0, 2.0 * t_sf(abs(estimate) / se, contrast.df))
    return Lift(estimate, estimate - radius, estimate + radius, contrast.df, p_value)


def lift_log_delta(control: Moments, treatment: Moments, *, level: float = 0.95) -> Lift:
    """Bound the lift by the delta method on the log of the ratio of means.

    The interval stays above -1. df by Satterthwaite from the two relative variances.

    Raises:
        DegenerateDataError: with fewer than two values in an arm, when both are constant, or
            when the means do not have the same sign.
    """
    require_fraction("level", level)
    welch_contrast(control, treatment)
    base = _base(control)
    ratio = _mean(treatment) / base
    if ratio <= 0.0:
        raise DegenerateDataError(
            "the means of the arms do not have the same sign, expected a positive ratio"
        )
    control_part = (control.standard_error / base) ** 2
    treatment_part = (treatment.standard_error / _mean(treatment)) ** 2
    df = satterthwaite((control_part, control.n), (treatment_part, treatment.n))
    log_ratio, se = math.log(ratio), math.sqrt(control_part + treatment_part)
    radius = t_isf(0.5 * (1.0 - level), df) * se
    return Lift(
        estimate=treatment.minus(control) / base,
        low=math.expm1(log_ratio - radius),
        high=math.expm1(log_ratio + radius),
        df=df,
        p_value=min(1.0, 2.0 * t_sf(abs(log_ratio) / se, df)),
    )


def lift_fieller(control: Moments, treatment: Moments, *, level: float = 0.95) -> Lift:
    """Bound the lift by inverting the test that treatment = ratio × control (Fieller 1954).

    With the critical value at Welch's df of the absolute difference. When the control's mean
    itself is not distinguishable from zero, no finite interval exists: both bounds are None.

    Raises:
        DegenerateDataError: with fewer than two values in an arm, when both are constant, or
            when the control's mean is zero.
    """
    require_fraction("level", level)
    contrast = welch_contrast(control, treatment)
    base = _base(control)
    estimate = contrast.difference / base
    p_value = min(1.0, 2.0 * t_sf(abs(contrast.statistic()), contrast.df))
    critical = t_isf(0.5 * (1.0 - level), contrast.df)
    # the lift δ solves (d - δ m)² = k² (v_t + (1+δ)² v_c); written around δ, not the ratio
    g = (critical * control.standard_error / base) ** 2
    if g >= 1.0:
        return Lift(estimate, None, None, contrast.df, p_value)
    h = (critical * treatment.standard_error / base) ** 2
    center = (estimate + g) / (1.0 - g)
    radius = math.sqrt(h * (1.0 - g) + g * (1.0 + estimate) ** 2) / (1.0 - g)
    return Lift(estimate, center - radius, center + radius, contrast.df, p_value)


def _mean(moments: Moments) -> float:
    return moments.mean + moments.residual


def _base(control: Moments) -> float:
    base = _mean(control)
    if base == 0.0:
        raise DegenerateDataError(
            "the control's mean is zero, expected a base that a relative effect can refer to"
        )
    return base
