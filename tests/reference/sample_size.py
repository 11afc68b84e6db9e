"""Units per arm that give a test its power."""

from __future__ import annotations

import math

from meta_experiment.errors import UsageError
from meta_experiment.stats.inputs import require_fraction, require_positive
from meta_experiment.stats.power import _crossing, _require_attainable, t_power
from meta_experiment.stats.special import normal_cdf, normal_isf


def t_sample_size(
    effect: float, *, power: float = 0.8, alpha: float = 0.05, sides: int = 2
) -> float:
    """Return the units per arm, unrounded, that give a t-test its power.

    Raises:
        UsageError: when the effect is zero, or an argument makes no sense.
    """
    _require_attainable(power, alpha)
    size = abs(effect)
    require_positive("the effect", size)
    return _crossing(lambda n: t_power(n, size, alpha=alpha, sides=sides) - power, 1.5)


def proportion_sample_size(
    control_rate: float, treatment_rate: float, *, power: float = 0.8, alpha: float = 0.05
) -> float:
    """Return the units per arm, unrounded, for a two-sided z-test of two rates.

    Pooled variance under the null, unpooled under the alternative, near tail only (Fleiss,
    Levin and Paik 2003, 4.2).

    Raises:
        UsageError: when the rates are equal or an argument is no fraction.
    """
    _require_attainable(power, alpha)
    _require_rates(control_rate, treatment_rate)
    mean = 0.5 * (control_rate + treatment_rate)
    null = normal_isf(0.5 * alpha) * math.sqrt(2.0 * mean * (1.0 - mean))
    alternative = normal_isf(1.0 - power) * math.sqrt(
        control_rate * (1.0 - control_rate) + treatment_rate * (1.0 - treatment_rate)
    )
    return ((null + alternative) / (control_rate - treatment_rate)) ** 2


def proportion_sample_size_arcsine(
    control_rate: float, treatment_rate: float, *, power: float = 0.8, alpha: float = 0.05
) -> float:
    """Return the units per arm, unrounded, by Cohen's h (1988, chapter 6), both tails.

    Raises:
        UsageError: when the rates are equal or an argument is no fraction.
    """
    _require_attainable(power, alpha)
    _require_rates(control_rate, treatment_rate)
    h = 2.0 * abs(math.asin(math.sqrt(treatment_rate)) - math.asin(math.sqrt(control_rate)))
    critical = normal_isf(0.5 * alpha)

    def excess(n: float) -> float:
        shift = h * math.sqrt(0.5 * n)
        return normal_cdf(shift - critical) + normal_cdf(-shift - critical) - power

    return _crossing(excess, 1e-9)


def _require_rates(control_rate: float, treatment_rate: float) -> None:
    require_fraction("the control's rate", control_rate)
    require_fraction("the treatment's rate", treatment_rate)
    if control_rate == treatment_rate:
        raise UsageError("the two rates are equal, expected an effect to find")
