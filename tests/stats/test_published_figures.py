"""Figures that others published: reproduced, recomputed, or answered otherwise on purpose.

The tests name the case they rest on; inputs and figures stand in `published_figures.json`.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from tests.decide.making import look, plan, trial
from tests.published import Cases
from tests.reference.p_values import bonferroni
from tests.reference.sample_size import proportion_sample_size

from meta_experiment.errors import UsageError
from meta_experiment.render import words
from meta_experiment.render.board import board
from meta_experiment.render.style import Style
from meta_experiment.render.writers import write
from meta_experiment.stats.bayes import beta_binomial
from meta_experiment.stats.best_arm import best_rate
from meta_experiment.stats.lift_posterior import NormalPrior, normal_lift
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.multiplicity import holm
from meta_experiment.stats.special import chi2_sf, normal_isf, normal_sf, t_ppf
from meta_experiment.stats.srm import chi_square
from meta_experiment.types import ReasonCode, Variant
from meta_experiment.types.results.board import BoardRow

CASES = Cases(Path(__file__).with_name("published_figures.json"))


def counted(**arms):
    """Return trials without metrics, so many an arm."""
    return [
        trial(name, i, unit=f"{name}-{i}") for name, count in arms.items() for i in range(count)
    ]


def rate(counts):
    """Return the moments of zeros and ones with their binomial variance, p (1 - p)."""
    share = counts["k"] / counts["n"]
    return Moments.from_summary(counts["n"], share, math.sqrt(share * (1 - share)))


# progress and sums on the board


def test_a_bar_shows_the_share_it_names():
    """gh-aw-33 and psd-04: 8 of 25 are 32%, 6 of 20 cells, not 8; 7 of 10 are 7 cells."""
    inputs, expected = CASES.case("gh-aw-33")
    fraction = inputs["n"] / inputs["min_samples"]
    assert words.per_cent(fraction) == f"{expected['pct']}%"
    filled = words.bar(fraction, 20).count("█")
    assert filled == expected["filled"] != CASES["gh-aw-33"]["printed"]["filled"]
    inputs, expected = CASES.case("psd-04")
    fraction = inputs["trials"] / inputs["required"]
    assert words.per_cent(fraction) == f"{expected['pct']}%"
    assert words.bar(fraction).count("█") == expected["filled_of_10"]


def test_the_board_sums_up_how_many_changes_were_worth_it():
    """psd-06: five promoted and one rolled back are 83% of those decided."""
    inputs, expected = CASES.case("psd-06")
    step = {
        "stage": "nothing",
        "missing": [],
        "skill": "experiment-guide",
        "next_action": "nothing",
    }
    row = {
        **dict.fromkeys(BoardRow.__annotations__),
        "id": "exp-1",
        "name": "review",
        "hypothesis": "shorter is faster",
        "status": "promoted",
        "files": [],
        "progress": {"trials": 20},
        "primary": {"scale": "raw"},
        "variants": [],
        "apart": [],
        "ended": [],
        "alerts": [],
        **step,
    }
    summary = {
        "active": 0,
        "promoted": inputs["successful"],
        "rolled_back": inputs["failed"],
        "expired": 3,
        "archived": 0,
        "saved": None,
        "false_discoveries": None,
    }
    view = {
        "experiments": [row],
        "plans": [],
        "open_ends": [],
        "foremost": {"about": None, **step},
        "summary": summary,
        "notes": [],
    }
    shown = write("text", board(view, limit=5), Style())
    assert f"({round(expected['success_rate_pct'])}% of those decided)" in shown


# chi-square and sample ratio


@pytest.mark.parametrize("name", ["gh-aw-37", "gh-aw-38"])
def test_chi_square_tails_are_exact(name):
    """gh-aw-37 and -38: the exact tail, not the cube-root approximation used there."""
    inputs, expected = CASES.case(name)
    x, df = inputs["chi2"], inputs["df"]
    assert chi2_sf(x, df) == pytest.approx(expected["p_exact"], rel=1e-5)
    spread = 2 / (9 * df)
    rough = normal_sf(((x / df) ** (1 / 3) - (1 - spread)) / math.sqrt(spread))
    assert rough == pytest.approx(expected["p_wilson_hilferty"], rel=1e-4)
    assert abs(rough / chi2_sf(x, df) - 1) > 0.01


def test_a_chi_square_that_cannot_be():
    """gh-aw-40 and -41: below zero p is 1; without degrees of freedom there is no test."""
    inputs, expected = CASES.case("gh-aw-40")
    assert chi2_sf(inputs["chi2"], inputs["df"]) == expected["p"]
    inputs, _ = CASES.case("gh-aw-41")
    with pytest.raises(UsageError):
        chi2_sf(inputs["chi2"], inputs["df"])
    with pytest.raises(UsageError):
        chi_square([10], [1])


def test_three_variants_are_two_comparisons():
    """gh-aw-44: two degrees of freedom, and each comparison is held to 0.025."""
    inputs, expected = CASES.case("gh-aw-44")
    arms = inputs["variants"]
    assert chi_square([7] * arms, [1] * arms).df == expected["df"]
    at, above = expected["bonferroni_alpha"], expected["bonferroni_alpha"] * 1.001
    assert bonferroni([at] * (arms - 1)) == pytest.approx([0.05] * (arms - 1))
    assert min(bonferroni([above] * (arms - 1))) > 0.05


def test_labels_that_the_plan_does_not_declare_are_left_out():
    """gh-aw-47: two stale labels neither count nor raise the alarm that they would raise."""
    inputs, expected = CASES.case("gh-aw-47")
    chosen = plan(variants=tuple(map(Variant, inputs["declared"])))
    found = look(chosen, counted(**inputs["counts"])).checks.srm
    assert found.ok is expected["balanced"]
    assert len(found.counts) == expected["variants_reported"]
    assert found.p_value == pytest.approx(expected["p_exact"], rel=1e-5)
    kept = [inputs["counts"][name] for name in inputs["declared"]]
    assert chi_square(kept, [1, 1]).statistic == pytest.approx(expected["chi2"], rel=1e-6)
    assert chi_square(list(inputs["counts"].values()), [1] * 4).p_value < 1e-8


def test_weights_stay_with_their_names():
    """gh-aw-49: shares follow the declared names, however the names are sorted."""
    inputs, expected = CASES.case("gh-aw-49")
    weights = map(float, inputs["weight"])
    chosen = plan(variants=tuple(map(Variant, inputs["declared"], weights)))
    found = look(chosen, counted(alpha=60, beta=30, gamma=10)).checks.srm
    shares = [found.expected[name] for name in inputs["sorted"]]
    assert shares == pytest.approx(expected["expected"])
    assert found.p_value == pytest.approx(1.0)


def test_no_data_is_neither_an_alarm_nor_a_decision():
    """gh-aw-51: nothing observed is balanced, and goes on."""
    inputs, expected = CASES.case("gh-aw-51")
    found = look(plan(), counted(**inputs["counts"]))
    assert (found.decision, found.reason_code) == (
        expected["recommendation"],
        ReasonCode.NO_DATA,
    )
    assert found.checks.srm.ok is expected["balanced"]
    assert chi_square(list(inputs["counts"].values()), [1, 1]).statistic == expected["chi2"]


def test_trials_of_an_unknown_variant_alone_are_no_data():
    """gh-aw-53: ten trials of a single undeclared variant are not reported, and go on."""
    inputs, expected = CASES.case("gh-aw-53")
    found = look(plan(), counted(**inputs["counts"]))
    assert found.decision == expected["recommendation"]
    assert found.reason_code is ReasonCode.NO_DATA
    seen = [name for name, count in found.samples.items() if count.assigned]
    assert len(seen) == expected["variants_reported"]


# critical values, familywise error, sample size


def test_critical_values_of_t():
    """gh-aw-91 and -92: as printed for seven sizes; the one for 15 belongs to 16 values."""
    inputs, expected = CASES.case("gh-aw-91")
    found = [t_ppf(0.975, n - 1) for n in inputs["n"]]
    assert found == pytest.approx(expected["t_crit_975"], abs=5e-4)
    inputs, expected = CASES.case("gh-aw-92")
    assert t_ppf(0.975, inputs["n"] - 1) == pytest.approx(expected["correct"], abs=5e-4)
    assert t_ppf(0.975, inputs["n"]) == pytest.approx(expected["published"], abs=5e-4)
    assert abs(expected["published"] - expected["correct"]) > 0.01


@pytest.mark.parametrize(
    ("name", "comparisons"),
    [("gh-aw-93", 2), ("gh-aw-94", 4), ("featbit-21", 5), ("featbit-22", 10)],
)
def test_many_comparisons_err_more_often_unless_corrected(name, comparisons):
    """The error rate printed for uncorrected comparisons is real, and correction ends it."""
    _, expected = CASES.case(name)
    assert 1 - 0.95**comparisons == pytest.approx(expected["fwer"], abs=1e-4)
    runs = np.random.default_rng(1).uniform(size=(4000, comparisons)).tolist()

    def share(adjust):
        return sum(min(adjust(run)) <= 0.05 for run in runs) / len(runs)

    def doubt(rate):
        return 4 * math.sqrt(rate * (1 - rate) / len(runs))

    fwer = expected["fwer"]
    assert share(list) == pytest.approx(fwer, abs=doubt(fwer))
    for adjust in (bonferroni, holm):
        assert 0.03 < share(adjust) <= 0.05 + doubt(0.05) < fwer


@pytest.mark.parametrize("name", ["gh-aw-96", "gh-aw-97", "gh-aw-98", "gh-aw-99"])
def test_printed_sample_sizes_are_too_small_for_their_power(name):
    """Neither a base of 50% nor one of 10% needs as few units as were printed."""
    inputs, expected = CASES.case(name)
    gap, alpha, power = inputs["mde_pp"] / 100, inputs["alpha_two_sided"], inputs["power"]
    factor = (normal_isf(alpha / 2) + normal_isf(1 - power)) ** 2 / gap**2
    for base, key in ((0.5, "needed_baseline_50pct"), (0.1, "needed_baseline_10pct")):
        changed = base + gap
        unpooled = factor * (base * (1 - base) + changed * (1 - changed))
        assert math.ceil(unpooled) == expected[key]
        planned = proportion_sample_size(base, changed, power=power, alpha=alpha)
        assert expected[key] <= math.ceil(planned) <= expected[key] + 3
        assert planned > 1.2 * expected["published"]


@pytest.mark.parametrize(
    "name",
    [
        "featbit-12",
        "featbit-13",
        "featbit-14",
        "featbit-15",
        "featbit-16",
        "featbit-18",
        "featbit-19",
    ],
)
def test_thirty_conversions_find_nothing_of_practical_size(name):
    """At every base rate an improvement by 15% needs over ten times the rule of thumb."""
    inputs, expected = CASES.case(name)
    base, thumb = inputs["baseline"], expected["minimum_sample"]
    assert thumb == math.ceil(round(30 / base, 6))
    assert proportion_sample_size(base, 1.15 * base) > 10 * thumb


# Bayesian figures


def test_the_posterior_of_a_lift_is_recomputed():
    """featbit-05: interval, chance, risks and sample ratio, none of them as printed."""
    inputs, expected = CASES.case("featbit-05")
    control, treatment = rate(inputs["control"]), rate(inputs["treatment"])
    found = normal_lift(control, treatment)
    right = {
        "rate": [control.mean, treatment.mean],
        "rel_delta": found.mean,
        "ci": [found.low, found.high],
        "p_win": found.chance_better,
        "risk_ctrl": found.risk_control,
        "risk_trt": found.risk_treatment,
        "srm_p": chi_square([control.n, treatment.n], [1, 1]).p_value,
    }
    assert right.keys() == expected.keys()
    for key, value in right.items():
        assert value == pytest.approx(expected[key], abs=1e-5)
    for key, printed in CASES["featbit-05"]["printed"].items():
        assert not np.allclose(right[key], printed, rtol=0, atol=1e-3)


def test_a_prior_draws_a_lift_towards_itself():
    """featbit-09: the conjugate update with a prior around no effect, sd 0.3."""
    inputs, expected = CASES.case("featbit-09")
    prior = NormalPrior(inputs["prior"]["mean"], inputs["prior"]["stddev"] ** 2)
    control, treatment = rate(inputs["control"]), rate(inputs["treatment"])
    found = normal_lift(control, treatment, prior=prior)
    assert found.mean == pytest.approx(expected["rel_delta"], abs=1e-5)
    assert found.sd == pytest.approx(expected["se"], abs=1e-5)
    assert [found.low, found.high] == pytest.approx(expected["ci"], abs=1e-5)
    assert found.chance_better == pytest.approx(expected["p_win"], abs=1e-5)
    assert found.risk_treatment == pytest.approx(expected["risk_trt"], abs=1e-5)
    assert found.mean < normal_lift(control, treatment).mean


def test_a_former_posterior_is_the_prior_that_its_interval_says():
    """featbit-20: 12% with an interval from 4% to 20% is a prior with sd 0.0408."""
    inputs, expected = CASES.case("featbit-20")
    read = NormalPrior.from_interval(*inputs["ci"])
    assert read.mean == pytest.approx(expected["prior_mean"])
    assert math.sqrt(read.variance) == pytest.approx(expected["prior_stddev"], abs=1e-5)
    n = 10_000
    control = Moments.from_summary(n, 1.0, 0.0)
    spread = expected["prior_stddev"] * math.sqrt(n)
    treatment = Moments.from_summary(n, 1 + inputs["rel_delta"], spread)
    former = normal_lift(control, treatment)
    assert [former.low, former.high] == pytest.approx(inputs["ci"], abs=1e-5)
    assert former.mean == pytest.approx(expected["prior_mean"])
    again = normal_lift(control, treatment, prior=NormalPrior(former.mean, former.sd**2))
    assert again.mean == pytest.approx(expected["prior_mean"])
    assert again.sd == pytest.approx(expected["prior_stddev"] / math.sqrt(2))


def test_the_chance_to_be_best_is_recomputed():
    """featbit-46: 63 against 78 of 3000 are 10% and 90%, not 18% and 82%."""
    inputs, expected = CASES.case("featbit-46")
    (k, n), (more, m) = inputs["arms"]
    chance = beta_binomial(k, n, more, m).chance_better
    assert [1 - chance, chance] == pytest.approx(expected["p_best"], abs=0.002)
    assert best_rate(inputs["arms"]) == pytest.approx([1 - chance, chance], abs=1e-9)
    assert abs(chance - expected["published_p_best"][1]) > 0.05
