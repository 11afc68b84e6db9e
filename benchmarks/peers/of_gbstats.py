"""GrowthBook's statistics: its sequential rule as it comes, and its figures at one look."""

import numpy as np
from gbstats.frequentist.tests import (
    FrequentistConfig,
    SequentialTwoSidedTTest,
    TwoSidedTTest,
)
from gbstats.models.statistics import (
    ProportionStatistic,
    RegressionAdjustedStatistic,
    SampleMeanStatistic,
)
from looking import answer

ABSOLUTE = FrequentistConfig(difference_type="absolute")


def mean_of(values):
    return SampleMeanStatistic(
        n=len(values), sum=float(values.sum()), sum_squares=float((values**2).sum())
    )


def sequential(control, treatment):
    done = SequentialTwoSidedTTest(mean_of(control), mean_of(treatment))
    return done.p_value, done.point_estimate


def sequential_rates(control, treatment):
    arms = [ProportionStatistic(n=len(x), sum=int(x.sum())) for x in (control, treatment)]
    if arms[0].sum == 0:  # nothing to be relative to
        return 1.0, 0.0
    done = SequentialTwoSidedTTest(*arms)
    return done.p_value, done.point_estimate


def figures(sample):
    control, treatment = sample["control"], sample["treatment"]
    plain = TwoSidedTTest(mean_of(control), mean_of(treatment), ABSOLUTE)
    relative = TwoSidedTTest(mean_of(control), mean_of(treatment))
    adjusted = TwoSidedTTest(*_adjusted(sample), ABSOLUTE)
    return {
        "Welch's t: p": plain.p_value,
        "Welch's t: lower end": plain.confidence_interval[0],
        "Welch's t: upper end": plain.confidence_interval[1],
        "lift by the delta method: lower end": relative.confidence_interval[0],
        "lift by the delta method: upper end": relative.confidence_interval[1],
        "CUPED: difference": adjusted.point_estimate,
        "CUPED: p": adjusted.p_value,
    }


def _adjusted(sample):
    """Adjust by one slope for all units, as GrowthBook does where it pools the arms."""
    both, before = (
        np.concatenate([sample[a], sample[b]])
        for a, b in (("control", "treatment"), ("control_before", "treatment_before"))
    )
    theta = float(np.cov(both, before)[0, 1] / before.var(ddof=1))
    return [
        RegressionAdjustedStatistic(
            n=len(sample[arm]),
            post_statistic=mean_of(sample[arm]),
            pre_statistic=mean_of(sample[f"{arm}_before"]),
            post_pre_sum_of_products=float((sample[arm] * sample[f"{arm}_before"]).sum()),
            theta=theta,
        )
        for arm in ("control", "treatment")
    ]


answer(figures, sequential, sequential_rates)
