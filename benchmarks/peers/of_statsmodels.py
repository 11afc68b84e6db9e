"""statsmodels: its tests looked at after every pair and once, and its figures at one look."""

import numpy as np
from looking import ALPHA, answer
from statsmodels.api import OLS
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower, TTestIndPower
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    proportion_confint,
    proportion_effectsize,
    proportions_ztest,
)
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW


def means(control, treatment):
    compared = CompareMeans(DescrStatsW(treatment), DescrStatsW(control))
    return compared.ttest_ind(usevar="unequal")[1], treatment.mean() - control.mean()


def rates(control, treatment):
    if len(set(control.tolist() + treatment.tolist())) < 2:
        return 1.0, 0.0
    counts = [treatment.sum(), control.sum()]
    _, p = proportions_ztest(counts, [len(treatment), len(control)])
    return p, treatment.mean() - control.mean()


def once(task):
    """Look a single time, at the last pair."""
    tests = {"mean": means, "rate": rates}
    found = {}
    for name, world in task["worlds"].items():
        found[name] = []
        for run in world["runs"]:
            p, difference = tests[world["kind"]](*map(np.asarray, run))
            pairs = len(run[0]) if p < ALPHA else 0
            found[name].append(pairs if (difference < 0) == world["lower"] else -pairs)
    return found


def figures(sample):
    control, treatment = sample["control"], sample["treatment"]
    compared = CompareMeans(DescrStatsW(treatment), DescrStatsW(control))
    t, p, df = compared.ttest_ind(usevar="unequal")
    low, high = compared.tconfint_diff(usevar="unequal")
    ours, theirs = sample["treatment_outcomes"], sample["control_outcomes"]
    counts = [ours.sum(), theirs.sum(), len(ours), len(theirs)]
    z, z_p = proportions_ztest(counts[:2], counts[2:])
    wilson = proportion_confint(counts[0], counts[2], method="wilson")
    newcombe = confint_proportions_2indep(
        counts[0], counts[2], counts[1], counts[3], method="newcomb", compare="diff"
    )
    size = abs(proportion_effectsize(0.5, 0.65))
    return {
        "Welch's t: statistic": t,
        "Welch's t: df": df,
        "Welch's t: p": p,
        "Welch's t: lower end": low,
        "Welch's t: upper end": high,
        "Student's t: p": compared.ttest_ind(usevar="pooled")[1],
        "CUPED: slope": _slope(sample),
        "z of two rates: statistic": z,
        "z of two rates: p": z_p,
        "Wilson's interval: lower end": wilson[0],
        "Wilson's interval: upper end": wilson[1],
        "Newcombe's interval: lower end": newcombe[0],
        "Newcombe's interval: upper end": newcombe[1],
        "power of t, 64 per arm, d 0.5": TTestIndPower().power(0.5, 64, 0.05),
        "units per arm for d 0.5": TTestIndPower().solve_power(0.5, power=0.8, alpha=0.05),
        "units per arm for 50% to 65%": NormalIndPower().solve_power(
            size, power=0.8, alpha=0.05
        ),
        "Holm: largest p of three": multipletests([0.01, 0.02, 0.04], method="holm")[1][2],
    }


def _slope(sample):
    both, before = (
        np.concatenate([sample[a], sample[b]])
        for a, b in (("control", "treatment"), ("control_before", "treatment_before"))
    )
    return OLS(both, np.column_stack([np.ones(len(both)), before])).fit().params[1]


answer(figures, means, rates, once=once)
