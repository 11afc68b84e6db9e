"""tea-tasting: its tests looked at after every pair, and its figures at one look."""

import numpy as np
import pyarrow as pa
import tea_tasting as tt
from looking import answer
from tea_tasting.aggr import Aggregates

MEAN, ADJUSTED = tt.Mean("x"), tt.Mean("x", covariate="before")
RATE = tt.Proportion("x", method="norm", correction=False)


def aggregates(values, before=None):
    mean, var, cov = {"x": float(values.mean())}, {"x": float(values.var(ddof=1))}, {}
    if before is not None:
        mean["before"], var["before"] = float(before.mean()), float(before.var(ddof=1))
        cov["before", "x"] = float(np.cov(values, before)[0, 1])
    return Aggregates(count_=len(values), mean_=mean, var_=var, cov_=cov)


def means(control, treatment):
    done = MEAN.analyze_aggregates(aggregates(control), aggregates(treatment))
    return done.pvalue, done.effect_size


def rates(control, treatment):
    if len(set(control.tolist() + treatment.tolist())) < 2:
        return 1.0, 0.0
    done = RATE.analyze_aggregates(aggregates(control), aggregates(treatment))
    return done.pvalue, done.effect_size


def figures(sample):
    control, treatment = sample["control"], sample["treatment"]
    plain = MEAN.analyze_aggregates(aggregates(control), aggregates(treatment))
    adjusted = ADJUSTED.analyze_aggregates(
        aggregates(control, sample["control_before"]),
        aggregates(treatment, sample["treatment_before"]),
    )
    outcomes = (sample["control_outcomes"], sample["treatment_outcomes"])
    z = RATE.analyze_aggregates(*map(aggregates, outcomes))
    exact = tt.Proportion("x", method="fisher").analyze_aggregates(*map(aggregates, outcomes))
    table = pa.table(
        {
            "variant": [0] * len(control) + [1] * len(treatment),
            "x": np.concatenate([control, treatment]),
        }
    )
    ranks = tt.MannWhitneyU("x", correction=True, method="asymptotic")
    return {
        "Welch's t: statistic": plain.statistic,
        "Welch's t: p": plain.pvalue,
        "Welch's t: lower end": plain.effect_size_ci_lower,
        "Welch's t: upper end": plain.effect_size_ci_upper,
        "lift by logarithms: lower end": plain.rel_effect_size_ci_lower,
        "lift by logarithms: upper end": plain.rel_effect_size_ci_upper,
        "CUPED: difference": adjusted.effect_size,
        "CUPED: p": adjusted.pvalue,
        "z of two rates: p": z.pvalue,
        "Fisher's exact test: p": exact.pvalue,
        "Mann-Whitney: p": ranks.analyze(table, 0, 1, "variant").pvalue,
    }


answer(figures, means, rates)
