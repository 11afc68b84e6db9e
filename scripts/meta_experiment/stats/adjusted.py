"""Difference of two means with covariates taken out that were known before assignment.

Least squares of y on (1, z, x), z the arm and x the covariates, with the variance of each arm's
residuals of its own, as in Welch's test. Under the anytime-valid t it holds at every look
(Lindon, Ham, Tingley and Bojinov 2022, arXiv 2210.08589). The pooled form does not where arms
differ in size and spread, and is not here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self

from meta_experiment.errors import DegenerateDataError, UsageError
from meta_experiment.records import dataclass
from meta_experiment.stats.inputs import finite_floats
from meta_experiment.stats.linear import dot, solved
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.ttest import Contrast, satterthwaite

_NOTHING_NEW = 1e-9  # share of a covariate's spread that the others do not explain
_ROUNDING = 1e-12  # share of a variance below which what is left of it is none
_LEAST_DF = 0.1  # of the distributions of t that can be worked out

Row = Sequence[float]


@dataclass(frozen=True, slots=True)
class ArmProducts:
    """Moments of one arm's values with their covariates.

    `centres` are the means of the covariates; `with_values` and `among` the sums of products of
    deviations, of each with the values and of each with each.
    """

    values: Moments
    centres: tuple[float, ...]
    with_values: tuple[float, ...]
    among: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, values: Sequence[float], rows: Sequence[Row]) -> Self:
        """Compute them of values and as many rows, all of one length.

        Raises:
            DegenerateDataError: on NaN, infinity, or numbers too large to square.
            UsageError: there is not one row for each value.
        """
        if len(values) != len(rows):
            raise UsageError(f"{len(values)} values, expected as many rows, found {len(rows)}.")
        moments = Moments.of(values)
        columns = [finite_floats(column) for column in zip(*rows, strict=True)]
        centres = [math.fsum(column) / len(column) for column in columns]
        moved = [
            [x - centre for x in column]
            for column, centre in zip(columns, centres, strict=True)
        ]
        own = [y - moments.mean for y in values]
        return cls(
            moments,
            tuple(centres),
            tuple(dot(column, own) for column in moved),
            tuple(tuple(dot(one, other) for other in moved) for one in moved),
        )


@dataclass(frozen=True, slots=True)
class AdjustedMeans:
    """Means of both arms at the same covariates, with the variances of both estimates.

    `slopes` has one number a covariate, zero for those at the places in `dropped`, which do not
    vary or repeat others. `explained` is the share of the variance within the arms that the
    covariates explain, corrected for how many they are; not below zero.
    """

    control: float
    treatment: float
    variance_control: float
    variance_treatment: float
    units: tuple[int, int]
    n_effective: float
    slopes: tuple[float, ...]
    dropped: tuple[int, ...]
    explained: float

    def df(self, control: float, treatment: float) -> float:
        """Return the degrees of freedom of a variance that has these parts of the arms.

        Where an arm of few units has most of it the slopes would take them all; the fewest that
        t has are left then.
        """
        parts = zip((control, treatment), self.units, strict=True)
        return max(_LEAST_DF, satterthwaite(*parts) - (len(self.slopes) - len(self.dropped)))

    def contrast(self, ratio: float = 1.0) -> Contrast:
        """Return treatment minus so many times the control."""
        parts = ratio * ratio * self.variance_control, self.variance_treatment
        return Contrast(
            self.treatment - ratio * self.control,
            math.sqrt(sum(parts)),
            self.df(*parts),
            self.n_effective,
        )


def adjusted_means(control: ArmProducts, treatment: ArmProducts) -> AdjustedMeans | None:
    """Take out of both arms what their covariates explain.

    None where that leaves the means as they are: no covariate varies, or there are fewer than
    4 + 2q units, or too few degrees of freedom.

    Raises:
        DegenerateDataError: with fewer than two values in an arm, or when nothing varies.
    """
    arms = control, treatment
    units = control.values.n, treatment.values.n
    total = sum(units)
    among = [
        [a + b for a, b in zip(one, other, strict=True)]
        for one, other in zip(control.among, treatment.among, strict=True)
    ]
    kept = _independent(among)
    q = len(kept)
    if not q or total < 4 + 2 * q or min(units) < 2:
        return None
    inner = [[among[i][j] for j in kept] for i in kept]
    joint = [control.with_values[i] + treatment.with_values[i] for i in kept]
    found = solved(inner, joint)
    gaps = [treatment.centres[i] - control.centres[i] for i in kept]
    weight = units[0] * units[1] / total
    lost = dot(gaps, solved(inner, gaps)) * weight
    n_effective = weight / (1.0 + lost)
    inflation = (1.0 + lost) * (total - 2) / (total - 2 - q)
    spreads = [_residual(arm, kept, found) for arm in arms]
    one, other = (
        spread / (n - 1) / n * inflation for spread, n in zip(spreads, units, strict=True)
    )
    plain = control.values.m2 + treatment.values.m2
    if not (sum(spreads) > _ROUNDING * plain and one + other < math.inf):
        raise DegenerateDataError(
            "nothing is left to vary once the covariates are taken out, expected some spread"
        )
    shift = dot(found, gaps)
    slopes = dict(zip(kept, found, strict=True))
    left = sum(spreads) / plain * (total - 2) / (total - 2 - q)
    base = control.values.mean + shift * units[1] / total
    means = AdjustedMeans(
        base,
        base + (treatment.values.minus(control.values) - shift),
        one,
        other,
        units,
        n_effective,
        tuple(slopes.get(place, 0.0) for place in range(len(among))),
        tuple(place for place in range(len(among)) if place not in slopes),
        max(0.0, 1.0 - left),
    )
    return means if means.df(one, other) >= 1.0 else None


def explained(values: Sequence[float], columns: Sequence[Sequence[float]]) -> float:
    """Return what share of a variance the least squares of the values on columns explain.

    R² adjusted for their number (Theil 1961, Economic Forecasts and Policy); zero where there
    are too few values to tell, and not below.

    Raises:
        DegenerateDataError: there are no values, or they are not finite.
    """
    products = ArmProducts.of(values, list(zip(*columns, strict=True)) or [()] * len(values))
    kept = _independent(products.among)
    n, whole = products.values.n, products.values.m2
    df = n - 1 - len(kept)
    if whole == 0 or df < 1:
        return 0.0
    inner = [[products.among[i][j] for j in kept] for i in kept]
    slopes = solved(inner, [products.with_values[place] for place in kept])
    return max(0.0, 1.0 - _residual(products, kept, slopes) / whole * (n - 1) / df)


def _residual(arm: ArmProducts, kept: Sequence[int], slopes: Sequence[float]) -> float:
    """Return the sum of squared deviations of an arm's residuals."""
    crossed = dot(slopes, [arm.with_values[place] for place in kept])
    own = [dot(slopes, [arm.among[place][other] for other in kept]) for place in kept]
    return max(0.0, arm.values.m2 - 2.0 * crossed + dot(slopes, own))


def _independent(among: Sequence[Sequence[float]]) -> list[int]:
    """Return the places of covariates that those before them do not explain."""
    kept: list[int] = []
    for place, row in enumerate(among):
        inner = [[among[i][j] for j in kept] for i in kept]
        beside = [row[i] for i in kept]
        left = row[place] - (dot(beside, solved(inner, beside)) if kept else 0.0)
        if left > _NOTHING_NEW * row[place]:
            kept.append(place)
    return kept
