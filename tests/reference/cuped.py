"""Variance reduction by a value known before the experiment."""

from __future__ import annotations

import math
from collections.abc import Sequence

from meta_experiment.errors import DegenerateDataError, UsageError
from meta_experiment.records import dataclass
from meta_experiment.stats.inputs import finite_floats
from meta_experiment.stats.moments import Moments


@dataclass(frozen=True, slots=True)
class AdjustedMoments:
    """Moments of both arms with the part explained by the covariate taken out.

    `theta` is the slope used. Compare the arms like any two: `welch(control, treatment)`.
    """

    control: Moments
    treatment: Moments
    theta: float


def cuped(
    control: Sequence[float],
    treatment: Sequence[float],
    control_before: Sequence[float],
    treatment_before: Sequence[float],
) -> AdjustedMoments:
    """Subtract from every value what its covariate predicts (Deng et al. 2013, WSDM).

    The slope is covariance over variance of both arms pooled. The covariate must have been
    known before assignment, else the comparison is biased.

    Raises:
        DegenerateDataError: on NaN, or when the covariate does not vary.
        UsageError: when an arm has not one covariate per value.
    """
    if len(control) != len(control_before) or len(treatment) != len(treatment_before):
        raise UsageError("values and covariates differ in number, expected one covariate each")
    before = finite_floats([*control_before, *treatment_before])
    values = finite_floats([*control, *treatment])
    base, level = Moments.of(before), Moments.of(values)
    if base.m2 == 0.0:
        raise DegenerateDataError(
            "the covariate does not vary, expected values that differ",
            hint="compare the arms without it",
        )
    centered = [x - base.mean for x in before]
    products = (x * (y - level.mean) for x, y in zip(centered, values, strict=True))
    theta = math.fsum(products) / base.m2
    adjusted = [y - theta * x for x, y in zip(centered, values, strict=True)]
    split = len(control)
    return AdjustedMoments(Moments.of(adjusted[:split]), Moments.of(adjusted[split:]), theta)
