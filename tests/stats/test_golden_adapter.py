import math

import pytest
from tests.golden_adapter import FUNCTIONS, call

from meta_experiment.errors import DegenerateDataError

ARMS = {
    "control": [46.7, 50.6, 48.7, 52.2, 49.6, 38.8],
    "treatment": [24.7, 28.6, 26.8, 27.5, 15.8, 22.3],
}
COUNTS = {"x_control": 7, "n_control": 15, "x_treatment": 12, "n_treatment": 15}
BEFORE = {"control_pre": [1.0, 5, 3, 2, 6, 4], "treatment_pre": [3.0, 1, 4, 1, 5, 9]}
RATIOS = {
    "control_num": [3.0, 5, 4],
    "control_den": [1.0, 2, 2],
    "treatment_num": [6.0, 5, 8],
    "treatment_den": [2.0, 2, 3],
}
QUANTILE = {"n": 100, "n_star": 100, "nu": 0.9, "q": 4.5, "lo": 4.4, "hi": 4.7}
SUMMARY = {"mean_a": 45.2, "sd_a": 8.3, "n_a": 7, "mean_b": 27.4, "sd_b": 5.1, "n_b": 7}
SAMPLES = {
    "adjusted_t": {
        "y": [3.0, 3.2, 2.9, 3.4, 2.6, 3.0, 3.6, 4.1],
        "z": [1, 0, 1, 1, 0, 1, 0, 0],
        "x": [[0.0], [0.3], [-0.3], [0.9], [-0.4], [-1.0], [0.1], [1.3]],
    },
    "allocation": {"p_best": [0.6, 0.3, 0.1], "beta": 0.5, "floor": 0.05},
    "anytime_valid_t": ARMS | {"scale": 0.7, "alpha": 0.05},
    "asymptotic_cs": ARMS | {"tuning": 100, "alpha": 0.05},
    "bayes_normal_relative": ARMS | {"prior": None, "alpha": 0.05},
    "beta_binomial": COUNTS | {"prior_alpha": 0.5, "prior_beta": 0.5},
    "beta_binomial_pair": {"control": [7, 15], "treatment": [12, 15], "prior": [1, 1]},
    "best_mean": {"n_mean_sd": [[9, 4.0, 0.5], [8, 3.8, 0.6]], "direction": "lower"},
    "best_rate": {"successes_trials": [[3, 9], [5, 9], [4, 7]], "prior": [1, 1]},
    "cohens_d_hedges_g": ARMS | {"conf": 0.95},
    "cuped_diff": ARMS | BEFORE | {"conf": 0.95},
    "design_evalue_adaptive": {
        "probability_of_treatment": [0.5, 0.7, 0.4],
        "z": [1, 0, 1],
        "u": [-0.2, 0.9, -1.1],
        "direction": "lower",
    },
    "design_evalue_blocks": {
        "blocks": [{"z": [1, 0, 1, 0], "u": [-0.4, 0.6, -0.1, 1.2]}],
        "direction": "higher",
    },
    "effect_size_from_stats": SUMMARY,
    "empirical_bernstein_cs": {
        "x": [0.2, 0.5, 0.4],
        "alpha": 0.05,
        "truncation": 0.5,
        "at": [1, 3],
    },
    "gs_constant": {"K": 3, "kind": "obf", "alpha": 0.05},
    "lan_demets": {"info": [0.5, 1.0], "kind": "pocock", "alpha": 0.05, "sides": 2},
    "mann_whitney_u": ARMS | {"method": "exact", "continuity": None},
    "msprt_normal": ARMS | {"tau": 8.0},
    "normal_mixture": {
        "s": 20.0,
        "v": 100.0,
        "v_opt": 100.0,
        "alpha_opt": 0.05,
        "one_sided": False,
        "alpha": 0.05,
    },
    "p_adjust": {"p": [0.01, 0.04, 0.03]},
    "prop_sample_size": {"p1": 0.5, "p2": 0.65, "power": 0.8, "alpha": 0.05},
    "quantile_ci_binomial": {"x": list(range(60)), "q": 0.5, "conf": 0.95},
    "quantile_diff_gb": {"a": QUANTILE, "b": QUANTILE | {"q": 4.8}, "conf": 0.95},
    "ratio_delta": RATIOS | {"conf": 0.95},
    "relative_lift_delta_log": ARMS | {"conf": 0.95},
    "relative_lift_delta_taylor": ARMS | {"conf": 0.95},
    "relative_lift_fieller": ARMS | {"conf": 0.95},
    "regret_bound": {"rates": [0.5, 0.6]},
    "sample_ratio_changing": {"probabilities": [0.5, 0.7, 0.4], "treatment_count": 2},
    "srm_anytime": {"counts": [40, 30], "weights": [0.5, 0.5], "dirichlet": [50.0, 50.0]},
    "srm_chi2": {"counts": [40, 30], "weights": [1, 1]},
    "student_t": ARMS | {"conf": 0.95},
    "t_evalue_mixed": {"t": 2.5, "df": 38, "n_effective": 10},
    "t_from_stats": SUMMARY | {"equal_var": True, "conf": 0.95},
    "t_power": {"n": 20, "d": 0.8, "alpha": 0.05, "sides": 2},
    "t_sample_size": {"d": 0.8, "power": 0.8, "alpha": 0.05, "sides": 1},
    "two_proportions": COUNTS | {"conf": 0.95},
    "welch_t": ARMS | {"conf": 0.95},
}


@pytest.mark.parametrize("fn", sorted(FUNCTIONS))
def test_every_name_answers_with_numbers(fn):
    """Each known name turns a case's inputs into finite numbers."""
    answer = call(fn, SAMPLES[fn])
    numbers = [
        number
        for value in answer.values()
        for number in (value if isinstance(value, list) else [value])
    ]
    assert numbers
    assert all(math.isfinite(number) for number in numbers)


def test_unknown_names_are_told_apart_from_degenerate_data():
    """A name that is not known gives None; data without evidence raise a ValueError."""
    assert call("no_such_function", {}) is None
    with pytest.raises(ValueError, match="do not vary"):
        call("welch_t", {"control": [3.0, 3.0], "treatment": [4.0, 4.0], "conf": 0.95})
    assert issubclass(DegenerateDataError, ValueError)


def test_rates_without_variance_are_answered_with_a_warning():
    """0/20 against 0/20 has intervals and a warning, and no p-value of a z-test."""
    counts = {"x_control": 0, "n_control": 20, "x_treatment": 0, "n_treatment": 20}
    answer = call("two_proportions", counts | {"conf": 0.95})
    assert math.isnan(answer["z_p"])
    assert answer["warning"]
    assert answer["newcombe_hi"] == pytest.approx(0.16112515805281938)
