"""Golden cases by name: `call(fn, inputs)` runs the library on one case's inputs.

Returns the numbers by the names the cases use, or None for a name that is not known here.
Degenerate data raise a ValueError.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tests.reference import (
    barnard,
    confidence,
    cuped,
    lift,
    p_values,
    quantile,
    regret,
    sample_size,
    spending,
)

from meta_experiment.assign import adaptive
from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats import (
    adjusted,
    bayes,
    best_arm,
    changing_shares,
    effect,
    lift_posterior,
    mixed_prior,
    multiplicity,
    power,
    proportion,
    randomization,
    ranks,
    ratio,
    sequential,
    srm,
    ttest,
)
from meta_experiment.stats.moments import Moments

Inputs = dict[str, Any]
Answer = dict[str, Any]

# Barnard's test enumerates every table: beyond this many units it is not what one would run
BARNARD_UP_TO = 200


def call(fn: str, inputs: Inputs) -> Answer | None:
    """Answer one golden case, or None when the name is not known."""
    answer = FUNCTIONS.get(fn)
    return None if answer is None else answer(inputs)


def arms(inputs: Inputs) -> tuple[Moments, Moments]:
    return Moments.of(inputs["control"]), Moments.of(inputs["treatment"])


def t_answer(test: ttest.TTest) -> Answer:
    return {
        "t": test.statistic,
        "df": test.df,
        "p": test.p_value,
        "ci_lo": test.low,
        "ci_hi": test.high,
        "diff": test.difference,
        "est": test.difference,
    }


def welch_t(inputs: Inputs) -> Answer:
    return t_answer(ttest.welch(*arms(inputs), level=inputs["conf"]))


def student_t(inputs: Inputs) -> Answer:
    return t_answer(ttest.student(*arms(inputs), level=inputs["conf"]))


def summaries(inputs: Inputs) -> tuple[Moments, Moments]:
    return (
        Moments.from_summary(inputs["n_a"], inputs["mean_a"], inputs["sd_a"]),
        Moments.from_summary(inputs["n_b"], inputs["mean_b"], inputs["sd_b"]),
    )


def t_from_stats(inputs: Inputs) -> Answer:
    test = ttest.student if inputs["equal_var"] else ttest.welch
    return t_answer(test(*summaries(inputs), level=inputs["conf"]))


def effect_answer(control: Moments, treatment: Moments, level: float) -> Answer:
    d = effect.effect_size_interval(control, treatment, level=level)
    correction = effect.hedges_correction(control.n + treatment.n - 2)
    return {
        "d": effect.cohens_d(control, treatment),
        "g": effect.hedges_g(control, treatment),
        "d_lo": d.low,
        "d_hi": d.high,
        "g_lo": d.low * correction,
        "g_hi": d.high * correction,
    }


def cohens_d_hedges_g(inputs: Inputs) -> Answer:
    return effect_answer(*arms(inputs), inputs["conf"])


def effect_size_from_stats(inputs: Inputs) -> Answer:
    control, treatment = summaries(inputs)
    answer = effect_answer(control, treatment, inputs.get("conf", 0.95))
    return answer | {"rel": lift.lift_delta(control, treatment).estimate}


def lift_answer(result: lift.Lift) -> Answer:
    return {
        "est": result.estimate,
        "ci_lo": result.low,
        "ci_hi": result.high,
        "df": result.df,
        "p": result.p_value,
    }


def relative_lift(
    method: Callable[..., lift.Lift],
) -> Callable[[Inputs], Answer]:
    return lambda inputs: lift_answer(method(*arms(inputs), level=inputs["conf"]))


def mann_whitney_u(inputs: Inputs) -> Answer:
    control, treatment = inputs["control"], inputs["treatment"]
    if inputs["method"] == "asymptotic":
        test = ranks.mann_whitney_asymptotic(
            control, treatment, continuity=bool(inputs["continuity"])
        )
    else:
        test = ranks.mann_whitney_exact(control, treatment)
    return {"U": test.statistic, "p": test.p_value}


def two_proportions(inputs: Inputs) -> Answer:
    counts = (
        inputs["x_control"],
        inputs["n_control"],
        inputs["x_treatment"],
        inputs["n_treatment"],
    )
    level = inputs["conf"]
    interval = proportion.newcombe(*counts, level=level)
    control = proportion.wilson(*counts[:2], level=level)
    treatment = proportion.wilson(*counts[2:], level=level)
    answer = {
        "z": math.nan,
        "z_p": math.nan,
        "newcombe_lo": interval.low,
        "newcombe_hi": interval.high,
        "wilson_a_lo": control.low,
        "wilson_a_hi": control.high,
        "wilson_b_lo": treatment.low,
        "wilson_b_hi": treatment.high,
        "fisher_p": proportion.fisher_exact(*counts).p_value,
    }
    try:
        test = proportion.pooled_z(*counts)
    except DegenerateDataError as error:
        return answer | {"warning": error.message}
    answer |= {"z": test.statistic, "z2": test.statistic**2, "z_p": test.p_value}
    if counts[1] + counts[3] <= BARNARD_UP_TO:
        answer["barnard_p"] = barnard.barnard_exact(*counts)
    return answer


def bayes_normal_relative(inputs: Inputs) -> Answer:
    prior = inputs["prior"]
    posterior = lift_posterior.normal_lift(
        *arms(inputs),
        prior=lift_posterior.NormalPrior(prior["mean"], prior["var"])
        if prior and prior.get("proper", True)
        else None,
        level=1.0 - inputs["alpha"],
    )
    return {
        "ctw": posterior.chance_better,
        "est": posterior.mean,
        "ci_lo": posterior.low,
        "ci_hi": posterior.high,
        "risk_ctrl": posterior.risk_control,
        "risk_trt": posterior.risk_treatment,
    }


def beta_binomial(inputs: Inputs) -> Answer:
    posterior = bayes.beta_binomial(
        inputs["x_control"],
        inputs["n_control"],
        inputs["x_treatment"],
        inputs["n_treatment"],
        prior_alpha=inputs["prior_alpha"],
        prior_beta=inputs["prior_beta"],
    )
    return {
        "ctw": posterior.chance_better,
        "loss_treatment": posterior.loss_treatment,
        "loss_control": posterior.loss_control,
    }


def beta_binomial_pair(inputs: Inputs) -> Answer:
    prior_alpha, prior_beta = inputs["prior"]
    posterior = bayes.beta_binomial(
        *inputs["control"], *inputs["treatment"], prior_alpha=prior_alpha, prior_beta=prior_beta
    )
    return {
        "chance_higher": posterior.chance_better,
        "loss_treatment": posterior.loss_treatment,
        "loss_control": posterior.loss_control,
    }


def best_rate(inputs: Inputs) -> Answer:
    counts = [(k, n) for k, n in inputs["successes_trials"]]
    return {"p_best": best_arm.best_rate(counts, prior=tuple(inputs["prior"]))}


def best_mean(inputs: Inputs) -> Answer:
    arms = [Moments.from_summary(*arm) for arm in inputs["n_mean_sd"]]
    return {"p_best": best_arm.best_mean(arms, lower=inputs["direction"] == "lower")}


def sample_ratio_changing(inputs: Inputs) -> Answer:
    shares = [(1.0 - p, p) for p in inputs["probabilities"]]
    treated = inputs["treatment_count"]
    found = changing_shares.changing_ratio([len(shares) - treated, treated], shares)
    return {
        "expected": found.expected[1],
        "variance": found.variances[1],
        "z": found.z(1),
        "p": found.test.p_value,
    }


def cuped_diff(inputs: Inputs) -> Answer:
    found = cuped.cuped(
        inputs["control"], inputs["treatment"], inputs["control_pre"], inputs["treatment_pre"]
    )
    return t_answer(ttest.welch(found.control, found.treatment, level=inputs["conf"]))


def ratio_delta(inputs: Inputs) -> Answer:
    control = Moments.of(ratio.linearised(inputs["control_num"], inputs["control_den"]))
    treatment = Moments.of(ratio.linearised(inputs["treatment_num"], inputs["treatment_den"]))
    return t_answer(ttest.welch(control, treatment, level=inputs["conf"]))


def quantile_ci_binomial(inputs: Inputs) -> Answer:
    interval = quantile.quantile_interval(inputs["x"], inputs["q"], level=inputs["conf"])
    return {"ci_lo": interval.low, "ci_hi": interval.high}


def quantile_diff_gb(inputs: Inputs) -> Answer:
    control, treatment = (
        quantile.quantile_moments(
            arm["q"], arm["lo"], arm["hi"], arm["n"], n_star=arm["n_star"]
        )
        for arm in (inputs["a"], inputs["b"])
    )
    return t_answer(ttest.welch(control, treatment, level=inputs["conf"]))


def srm_chi2(inputs: Inputs) -> Answer:
    test = srm.chi_square(inputs["counts"], inputs["weights"])
    return {"chi2": test.statistic, "p": test.p_value}


def srm_anytime(inputs: Inputs) -> Answer:
    evidence = srm.anytime_srm(
        inputs["counts"], inputs["weights"], concentration=sum(inputs["dirichlet"])
    )
    return {"log_bf": evidence.log_e, "p": evidence.p_value}


def design_evalue_blocks(inputs: Inputs) -> Answer:
    groups = [
        randomization.Group(
            block["z"],
            block["u"],
            ((randomization.Part(len(block["z"]), sum(block["z"])),),),
        )
        for block in inputs["blocks"]
    ]
    return {"log_e_better": randomization.log_e_of_groups(groups, _towards(inputs))}


def design_evalue_adaptive(inputs: Inputs) -> Answer:
    found = randomization.log_e_of_draws(
        inputs["probability_of_treatment"], inputs["z"], inputs["u"], _towards(inputs)
    )
    return {"log_e_better": found}


def allocation(inputs: Inputs) -> Answer:
    p_best, floor = inputs["p_best"], inputs["floor"]
    return {
        "thompson": adaptive.thompson(p_best, floor),
        "top_two": adaptive.top_two(p_best, floor, first=inputs["beta"]),
    }


def regret_bound(inputs: Inputs) -> Answer:
    return {"constant": regret.regret_constant(inputs["rates"])}


def _towards(inputs: Inputs) -> int:
    return -1 if inputs["direction"] == "lower" else 1


def anytime_valid_t(inputs: Inputs) -> Answer:
    evidence = sequential.anytime_t(
        *arms(inputs), prior_sd=inputs["scale"], alpha=inputs["alpha"], pooled=True
    )
    return {
        "t": evidence.statistic,
        "log_bf": evidence.log_e_two_sided,
        "p": evidence.p_value,
        "log_e_pos": evidence.log_e_greater,
        "log_e_neg": evidence.log_e_less,
        "ci_lo": evidence.low,
        "ci_hi": evidence.high,
    }


def adjusted_t(inputs: Inputs) -> Answer:
    arms = (
        adjusted.ArmProducts.of(
            [y for y, z in zip(inputs["y"], inputs["z"], strict=True) if z == arm],
            [x for x, z in zip(inputs["x"], inputs["z"], strict=True) if z == arm],
        )
        for arm in (0, 1)
    )
    means = adjusted.adjusted_means(*arms)
    if means is None:
        raise DegenerateDataError("too few units, or no covariate that varies")
    contrast = means.contrast()
    return {
        "effect": contrast.difference,
        "slopes": list(means.slopes),
        "n_effective": contrast.n_effective,
        "t": contrast.statistic(),
        "df": contrast.df,
        "log_e_less": sequential.log_e_greater(
            -contrast.statistic(), contrast.df, contrast.n_effective
        ),
    }


def t_evalue_mixed(inputs: Inputs) -> Answer:
    statistic = inputs["t"], inputs["df"], inputs["n_effective"]
    half_normal, grid = mixed_prior.log_e_parts(*statistic)
    return {
        "log_e_halfnormal": half_normal,
        "log_e_grid": grid,
        "log_e_mixed": mixed_prior.log_e_mixed(*statistic),
    }


def asymptotic_cs(inputs: Inputs) -> Answer:
    result = confidence.asymptotic_interval(
        *arms(inputs), tuning=inputs["tuning"], alpha=inputs["alpha"]
    )
    return {
        "est": result.difference,
        "ci_lo": result.low,
        "ci_hi": result.high,
        "p": result.p_value,
    }


def empirical_bernstein_cs(inputs: Inputs) -> Answer:
    intervals = confidence.empirical_bernstein(
        inputs["x"], alpha=inputs["alpha"], truncation=inputs["truncation"]
    )
    at = [intervals[n - 1] for n in inputs["at"]]
    return {"lo": [low for low, _ in at], "hi": [high for _, high in at]}


def msprt_normal(inputs: Inputs) -> Answer:
    evidence = confidence.msprt(*arms(inputs), tau=inputs["tau"])
    return {"log_lambda": evidence.log_e, "p": evidence.p_value}


def normal_mixture(inputs: Inputs) -> Answer:
    mixture = confidence.NormalMixture.tightest_at(
        inputs["v_opt"], alpha=inputs["alpha_opt"], one_sided=inputs["one_sided"]
    )
    return {
        "log_mixture": mixture.log_supermartingale(inputs["s"], inputs["v"]),
        "bound": mixture.boundary(inputs["v"], inputs["alpha"]),
    }


def p_adjust(inputs: Inputs) -> Answer:
    seen = inputs["p"]
    return {
        "bonferroni": p_values.bonferroni(seen),
        "holm": multiplicity.holm(seen),
        "hochberg": p_values.hochberg(seen),
        "bh": p_values.benjamini_hochberg(seen),
        "by": p_values.benjamini_yekutieli(seen),
    }


def t_power(inputs: Inputs) -> Answer:
    return {
        "power": power.t_power(
            inputs["n"], inputs["d"], alpha=inputs["alpha"], sides=inputs["sides"]
        )
    }


def t_sample_size(inputs: Inputs) -> Answer:
    return {
        "n": sample_size.t_sample_size(
            inputs["d"], power=inputs["power"], alpha=inputs["alpha"], sides=inputs["sides"]
        )
    }


def prop_sample_size(inputs: Inputs) -> Answer:
    rates = inputs["p1"], inputs["p2"]
    asked = {"power": inputs["power"], "alpha": inputs["alpha"]}
    return {
        "n_normal": sample_size.proportion_sample_size(*rates, **asked),
        "n_arcsine": sample_size.proportion_sample_size_arcsine(*rates, **asked),
    }


def gs_constant(inputs: Inputs) -> Answer:
    kind = spending.Spending(inputs["kind"])
    return {"C": spending.group_constant(inputs["K"], kind, alpha=inputs["alpha"])}


def lan_demets(inputs: Inputs) -> Answer:
    bounds = spending.spending_bounds(
        inputs["info"],
        spending.Spending(inputs["kind"]),
        alpha=inputs["alpha"],
        sides=inputs["sides"],
    )
    return {"bounds": bounds}


FUNCTIONS: dict[str, Callable[[Inputs], Answer]] = {
    "adjusted_t": adjusted_t,
    "allocation": allocation,
    "anytime_valid_t": anytime_valid_t,
    "asymptotic_cs": asymptotic_cs,
    "bayes_normal_relative": bayes_normal_relative,
    "best_mean": best_mean,
    "best_rate": best_rate,
    "beta_binomial": beta_binomial,
    "beta_binomial_pair": beta_binomial_pair,
    "cohens_d_hedges_g": cohens_d_hedges_g,
    "cuped_diff": cuped_diff,
    "design_evalue_adaptive": design_evalue_adaptive,
    "design_evalue_blocks": design_evalue_blocks,
    "effect_size_from_stats": effect_size_from_stats,
    "empirical_bernstein_cs": empirical_bernstein_cs,
    "gs_constant": gs_constant,
    "lan_demets": lan_demets,
    "mann_whitney_u": mann_whitney_u,
    "msprt_normal": msprt_normal,
    "normal_mixture": normal_mixture,
    "p_adjust": p_adjust,
    "prop_sample_size": prop_sample_size,
    "quantile_ci_binomial": quantile_ci_binomial,
    "quantile_diff_gb": quantile_diff_gb,
    "ratio_delta": ratio_delta,
    "regret_bound": regret_bound,
    "relative_lift_delta_log": relative_lift(lift.lift_log_delta),
    "relative_lift_delta_taylor": relative_lift(lift.lift_delta),
    "relative_lift_fieller": relative_lift(lift.lift_fieller),
    "sample_ratio_changing": sample_ratio_changing,
    "srm_anytime": srm_anytime,
    "srm_chi2": srm_chi2,
    "student_t": student_t,
    "t_evalue_mixed": t_evalue_mixed,
    "t_from_stats": t_from_stats,
    "t_power": t_power,
    "t_sample_size": t_sample_size,
    "two_proportions": two_proportions,
    "welch_t": welch_t,
}
