"""What is believed of two arms: chances, losses and intervals, against scipy's integrals."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from scipy import stats as sps

from meta_experiment.errors import DegenerateDataError, UsageError
from meta_experiment.stats import bayes
from meta_experiment.stats.bayes import (
    beta_binomial,
    mean_difference_interval,
    mean_ratio_interval,
    normal_inverse_gamma,
    of_contrast,
    rate_ratio_interval,
    two_means,
)
from meta_experiment.stats.lift_posterior import NormalPrior, log_lift, normal_lift
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.reaching import reached_by_equal_arms
from meta_experiment.stats.ttest import Contrast, welch, welch_contrast

CONTROL, TREATMENT = Moments.from_summary(12, 10.0, 2.0), Moments.from_summary(9, 11.0, 3.0)
GRID, STEP = np.linspace(-200, 220, 42_001, retstep=True)


def t_of(arm):
    return sps.t(arm.n - 1, arm.mean, arm.standard_error)


def test_two_means_as_by_scipys_trapezoid():
    """Chance and both losses of two t distributions with unequal spreads and sizes."""
    found, one, other = two_means(CONTROL, TREATMENT), t_of(CONTROL), t_of(TREATMENT)
    assert found.chance_better == pytest.approx(
        (one.cdf(GRID) * other.pdf(GRID)).sum() * STEP, abs=1e-8
    )
    for loss, low, high in (
        (found.loss_control, one, other),
        (found.loss_treatment, other, one),
    ):
        assert loss == pytest.approx((low.cdf(GRID) * high.sf(GRID)).sum() * STEP, abs=1e-8)
    assert found.loss_control - found.loss_treatment == pytest.approx(1.0, abs=1e-8)


@pytest.mark.parametrize("spread", [1e-30, 1e-6])
def test_an_arm_far_narrower_than_the_other_keeps_chance_and_losses(spread):
    """Panels as narrow as one of them are laid where that one lies, and nowhere else."""
    wide, narrow = Moments(3, 0.0, 6e6), Moments(100_000, 500.0, spread)
    found, back = two_means(wide, narrow), two_means(narrow, wide)
    chance = sps.t.cdf(500.0 / wide.standard_error, 2)
    assert found.chance_better == pytest.approx(chance, abs=1e-7)
    assert back.chance_better == pytest.approx(1.0 - chance, abs=1e-7)
    assert found.loss_control - found.loss_treatment == pytest.approx(500.0, rel=0.01)
    assert back.loss_treatment == pytest.approx(found.loss_control, rel=1e-3)


def test_losses_need_a_mean():
    """Two values an arm have tails without a mean: no finite loss, but a chance."""
    found = two_means(Moments.of([1.0, 2.0]), TREATMENT)
    assert found.loss_control == found.loss_treatment == math.inf
    assert 0.9 < found.chance_better < 1.0
    assert of_contrast(Contrast(1.0, 1.0, 1.0, 2.0)).loss_control == math.inf
    with pytest.raises(DegenerateDataError):
        two_means(Moments.of([1.0, 1.0]), TREATMENT)


def test_the_interval_of_a_difference_holds_what_is_believed():
    """At both ends the chance is that of a tail; unlike Welch's, it needs no df to be made."""
    low, high = mean_difference_interval(CONTROL, TREATMENT, 0.9)
    for end, chance in ((low, 0.95), (high, 0.05)):
        assert two_means(CONTROL.shifted(end), TREATMENT).chance_better == pytest.approx(
            chance, abs=1e-8
        )
    beside = welch(CONTROL, TREATMENT, level=0.9)
    assert (low, high) == pytest.approx((beside.low, beside.high), abs=0.1)


def test_the_interval_of_a_ratio_follows_the_sign_of_the_control():
    """Ratios of two negative means are those of their opposites."""
    found = mean_ratio_interval(CONTROL, TREATMENT, 0.95)
    for end, chance in zip(found, (0.975, 0.025), strict=True):
        moved = CONTROL.scaled(end)
        assert two_means(moved, TREATMENT).chance_better == pytest.approx(chance, abs=1e-8)
    mirrored = mean_ratio_interval(CONTROL.scaled(-1), TREATMENT.scaled(-1), 0.95)
    assert mirrored == pytest.approx(found)
    with pytest.raises(DegenerateDataError):
        mean_ratio_interval(Moments.of([-1.0, 1.0]), TREATMENT, 0.95)


@pytest.mark.parametrize(
    ("control", "treatment"),
    [((3, 9), (8, 11)), ((0, 10), (10, 10)), ((500, 10**6), (560, 10**6))],
)
def test_the_interval_of_two_rates(control, treatment):
    """At both ends the chance to exceed that multiple of the control is that of a tail."""
    w, dw = np.linspace(-60, 60, 120_001, retstep=True)
    x = special.expit(w)
    one, other = (sps.beta(k + 1, n - k + 1) for k, n in (control, treatment))
    for end, chance in zip(
        rate_ratio_interval(control, treatment, 0.95), (0.975, 0.025), strict=True
    ):
        above = (one.pdf(x) * other.sf(end * x) * x * (1 - x)).sum() * dw
        assert above == pytest.approx(chance, abs=1e-6)


@given(st.floats(-3, 3), st.floats(1.5, 60))
def test_a_contrast_is_believed_to_be_t(z, df):
    """Gain less loss is the estimate; the chance is the t's."""
    found = of_contrast(Contrast(2.0 * z, 2.0, df, 10.0))
    assert found.loss_control - found.loss_treatment == pytest.approx(2.0 * z, abs=1e-9)
    assert found.chance_better == pytest.approx(sps.t.cdf(z, df), abs=1e-12)


def test_a_contrasts_loss_by_scipy():
    """E max(X, 0) of a t with 6 degrees of freedom."""
    found = of_contrast(Contrast(0.7, 1.3, 6.0, 10.0))
    t = sps.t(6, 0.7, 1.3)
    assert found.loss_control == pytest.approx(t.expect(lambda x: max(x, 0.0)), abs=1e-6)


def test_a_proper_prior_pulls_and_narrows_and_a_wide_one_does_not():
    """Between both means by precision; a prior far off widens; a wide one leaves the t's."""
    contrast = welch_contrast(CONTROL, TREATMENT)
    pulled = normal_inverse_gamma(contrast, 0.0, contrast.standard_error)
    assert pulled.difference == pytest.approx(contrast.difference / 2)
    assert pulled.standard_error < contrast.standard_error
    surprised = normal_inverse_gamma(contrast, 40.0, contrast.standard_error)
    assert surprised.standard_error > 5 * pulled.standard_error
    wide = normal_inverse_gamma(contrast, 0.0, 1e6)
    assert wide.difference == pytest.approx(contrast.difference)
    assert wide.standard_error**2 * wide.df == pytest.approx(
        contrast.standard_error**2 * contrast.df
    )
    with pytest.raises(UsageError):
        normal_inverse_gamma(contrast, 0.0, 0.0)


def test_a_proper_prior_is_the_conjugate_update_of_single_values():
    """Of one sample it is the textbook's normal-inverse-gamma with the same prior worth."""
    values = [1.0, 2.5, 0.5, 3.0, 1.5]
    n, mean, sd = len(values), np.mean(values), np.std(values, ddof=1)
    se, prior_mean, prior_sd = sd / math.sqrt(n), 0.3, 0.8
    worth = sd**2 / prior_sd**2
    found = normal_inverse_gamma(Contrast(mean, se, n - 1.0, float(n)), prior_mean, prior_sd)
    b = 0.5 * ((n - 1) * sd**2 + worth * n / (worth + n) * (mean - prior_mean) ** 2)
    assert found.df == n
    assert found.difference == pytest.approx((worth * prior_mean + n * mean) / (worth + n))
    assert found.standard_error**2 == pytest.approx(b / (0.5 * n) / (worth + n))


def test_a_lift_of_logarithms_and_of_means_agree_for_large_samples():
    """The log of one plus the lift is the difference of logarithms, near no difference."""
    control, treatment = (
        Moments.from_summary(10_000, 10.0, 1.0),
        Moments.from_summary(10_000, 10.02, 1.0),
    )
    logs = Contrast(math.log(1.002), math.sqrt(2) * 0.001, 2e4, 5e3)
    raw, log = normal_lift(control, treatment), log_lift(logs)
    assert log.mean == pytest.approx(math.log1p(raw.mean))
    assert log.chance_better == pytest.approx(raw.chance_better, abs=1e-3)
    pulled = log_lift(logs, prior=NormalPrior(0.0, 2e-6))
    assert pulled.mean == pytest.approx(log.mean / 2)


@pytest.mark.parametrize(
    ("chance", "first", "last", "share"),
    [
        (0.95, 10, 10, 0.05),
        (0.8, 10, 20, 0.357),
        (0.95, 10, 100, 0.231),
        (0.95, 10, 1000, 0.371),
        (0.975, 50, 200, 0.108),
        (0.6, 2, 100, 0.875),
    ],
)
def test_equal_arms_reach_a_chance_as_often_as_simulated(chance, first, last, share):
    """20,000 simulated series of normal differences, looked at after every pair."""
    assert reached_by_equal_arms(chance, first, last) == pytest.approx(share, abs=0.01)


@settings(max_examples=10)
@given(st.floats(0.02, 0.98), st.integers(2, 50), st.integers(1, 20))
def test_more_looks_reach_a_chance_more_often(chance, first, times):
    """Never less than at one look, and more with every look and for a smaller chance."""
    found = reached_by_equal_arms(chance, first, times * first)
    assert 1 - chance - 1e-6 <= found <= 1.0
    assert reached_by_equal_arms(chance, first, 2 * times * first) >= found - 1e-3
    assert reached_by_equal_arms(0.9 * chance, first, times * first) >= found


@pytest.mark.parametrize("chance", [0.9999999, 1 - 1e-12])
def test_equal_arms_reach_what_is_almost_sure_now_and_then(chance):
    assert reached_by_equal_arms(chance, 10, 1000) >= 1 - chance


def test_a_small_rate_s_loss_is_that_of_the_pair():
    """Both ways to integrate agree, where a loss is one in a thousand."""
    pair = beta_binomial(50, 1000, 62, 1000)
    as_means = two_means(
        *(
            Moments.from_summary(1000, k / 1000, math.sqrt(k / 1000 * (1 - k / 1000)))
            for k in (50, 62)
        )
    )
    assert as_means.loss_treatment == pytest.approx(pair.loss_treatment, rel=0.1)


@pytest.mark.parametrize("spread", [1e-9, 1e-4, 1e3, 1e9])
@pytest.mark.parametrize("level", [0.9, 0.99])
def test_few_units_beside_very_different_spreads_take_few_chances(spread, level, monkeypatch):
    """Of two units each both means are Cauchy, and so is their difference, of known scale."""
    asked, chance = [], bayes.chance_to_exceed

    def counted(*arms):
        asked.append(arms)
        return chance(*arms)

    monkeypatch.setattr(bayes, "chance_to_exceed", counted)
    control = Moments.from_summary(2, 10.0, 1.0)
    treatment = Moments.from_summary(2, 11.0, spread)
    low, high = bayes.mean_difference_interval(control, treatment, level)
    scale = (1.0 + spread) / math.sqrt(2.0)
    radius = scale * math.tan(0.5 * math.pi * level)
    assert (low, high) == pytest.approx((1.0 - radius, 1.0 + radius), rel=2e-6)
    assert len(asked) <= 14
