"""Tests of the difference of two means, and of paired differences."""

from __future__ import annotations

import math

from meta_experiment.errors import DegenerateDataError
from meta_experiment.records import dataclass
from meta_experiment.stats.inputs import require_fraction
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.special import t_isf, t_sf


@dataclass(frozen=True, slots=True)
class Contrast:
    """Treatment minus control with its standard error and degrees of freedom.

    Unit of the metric; `n_effective` is n_c n_t / (n_c + n_t), or n for paired differences:
    the squared standard error is one unit's variance over it.
    """

    difference: float
    standard_error: float
    df: float
    n_effective: float

    def statistic(self, null: float = 0.0) -> float:
        """Return Student's t of the difference against a null."""
        return (self.difference - null) / self.standard_error


@dataclass(frozen=True, slots=True)
class TTest:
    """A t-test of treatment minus control.

    `p_value` is two-sided; `p_greater` is small when treatment lies above the null and
    `p_less` when it lies below. `low` and `high` bound the difference at `level`.
    """

    statistic: float
    df: float
    p_value: float
    p_greater: float
    p_less: float
    difference: float
    standard_error: float
    level: float

    @property
    def low(self) -> float:
        """The lower bound of the difference."""
        return self.difference - self._radius

    @property
    def high(self) -> float:
        """The upper bound of the difference."""
        return self.difference + self._radius

    @property
    def _radius(self) -> float:
        return t_isf(0.5 * (1.0 - self.level), self.df) * self.standard_error


def satterthwaite(*parts: tuple[float, int]) -> float:
    """Return the degrees of freedom of a variance that is a sum (Satterthwaite 1946).

    Each part is the variance of the mean of so many values.
    """
    total = math.fsum(part for part, _ in parts)
    return 1.0 / math.fsum((part / total) ** 2 / (n - 1) for part, n in parts)


def welch_contrast(control: Moments, treatment: Moments) -> Contrast:
    """Compare two means with unequal variances (Welch 1947, Satterthwaite 1946).

    Raises:
        DegenerateDataError: with fewer than two values in an arm, or when both are constant.
    """
    per_control = control.variance / control.n
    per_treatment = treatment.variance / treatment.n
    total = per_control + per_treatment
    require_spread(total)
    df = satterthwaite((per_control, control.n), (per_treatment, treatment.n))
    return Contrast(
        treatment.minus(control), math.sqrt(total), df, _n_effective(control, treatment)
    )


def student_contrast(control: Moments, treatment: Moments) -> Contrast:
    """Compare two means with one pooled variance (Student 1908).

    Raises:
        DegenerateDataError: with fewer than two values in an arm, or when both are constant.
    """
    require_spread(control.variance + treatment.variance)
    df = control.n + treatment.n - 2
    pooled = (control.m2 + treatment.m2) / df
    n_effective = _n_effective(control, treatment)
    return Contrast(
        treatment.minus(control), math.sqrt(pooled / n_effective), float(df), n_effective
    )


def paired_contrast(differences: Moments) -> Contrast:
    """Compare the mean of paired differences with zero.

    Raises:
        DegenerateDataError: with fewer than two differences, or when all are the same.
    """
    require_spread(differences.variance)
    return Contrast(
        differences.mean + differences.residual,
        differences.standard_error,
        float(differences.n - 1),
        float(differences.n),
    )


def t_test(contrast: Contrast, *, null: float = 0.0, level: float = 0.95) -> TTest:
    """Test a contrast against a null difference and bound it."""
    require_fraction("level", level)
    t = contrast.statistic(null)
    upper, lower = t_sf(t, contrast.df), t_sf(-t, contrast.df)
    return TTest(
        statistic=t,
        df=contrast.df,
        p_value=min(1.0, 2.0 * min(upper, lower)),
        p_greater=upper,
        p_less=lower,
        difference=contrast.difference,
        standard_error=contrast.standard_error,
        level=level,
    )


def welch(
    control: Moments, treatment: Moments, *, null: float = 0.0, level: float = 0.95
) -> TTest:
    """Run Welch's t-test of treatment minus control."""
    return t_test(welch_contrast(control, treatment), null=null, level=level)


def student(
    control: Moments, treatment: Moments, *, null: float = 0.0, level: float = 0.95
) -> TTest:
    """Run Student's t-test of treatment minus control with a pooled variance."""
    return t_test(student_contrast(control, treatment), null=null, level=level)


def paired(differences: Moments, *, null: float = 0.0, level: float = 0.95) -> TTest:
    """Run the t-test of paired differences, each treatment minus its control."""
    return t_test(paired_contrast(differences), null=null, level=level)


def _n_effective(control: Moments, treatment: Moments) -> float:
    return control.n * (treatment.n / (control.n + treatment.n))


def require_spread(variance: float) -> None:
    """Refuse a variance of nothing.

    Raises:
        DegenerateDataError: when it is zero or no number.
    """
    if not 0.0 < variance < math.inf:
        raise DegenerateDataError(
            "the values do not vary at all, expected some spread in at least one arm",
            hint="look at what the metric records: a constant cannot be compared",
        )
