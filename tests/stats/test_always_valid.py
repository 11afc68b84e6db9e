import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from meta_experiment.errors import DegenerateDataError, UsageError
from meta_experiment.stats.always_valid import (
    critical_statistic,
    difference_interval,
    ratio_interval,
    weigh,
)
from meta_experiment.stats.mixed_prior import log_e_mixed
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.relative import MeanRatio, ratio_interval_once
from meta_experiment.stats.root_finding import rising_root
from meta_experiment.stats.ttest import paired_contrast, welch, welch_contrast

SIZES = st.integers(2, 200)
ENOUGH = st.integers(10, 200)  # with fewer, the ratios that are not rejected may be no interval
FEW = st.integers(2, 9)
WILD = st.floats(-2, 2).map(lambda power: 10.0**power)
MEANS = st.floats(0.2, 5)
SPREADS = st.floats(0.05, 3)
ALPHAS = st.sampled_from([0.01, 0.05, 0.2])
NEAR = 1e-8


def arms(n, m, mean, spread):
    return Moments.from_summary(n, 1.0, 0.5), Moments.from_summary(m, mean, spread)


def separate(control, treatment, alpha=0.05):
    return ratio_interval(MeanRatio.separate(control, treatment), alpha)


@given(SIZES, SIZES, MEANS, SPREADS, ALPHAS, st.floats(-3, 3))
def test_a_difference_is_outside_exactly_when_its_evidence_convinces(n, m, mean, sd, alpha, at):
    """The ends are where the one-sided e-value towards them reaches 1/α."""
    contrast = welch_contrast(*arms(n, m, mean, sd))
    low, high = difference_interval(contrast, alpha)
    seen, bar = weigh(contrast, at), -math.log(alpha)
    assume(all(abs(log - bar) > NEAR for log in (seen.log_greater, seen.log_less)))
    assert (low is not None and at < low) == (seen.log_greater >= bar)
    assert (high is not None and at > high) == (seen.log_less >= bar)


@given(ENOUGH, ENOUGH, MEANS, SPREADS, ALPHAS, st.floats(0.05, 4))
def test_a_ratio_is_outside_exactly_when_its_evidence_convinces(n, m, mean, sd, alpha, at):
    """The same of ratios, the control's mean being clear of zero or not."""
    control, treatment = arms(n, m, mean, sd)
    low, high = separate(control, treatment, alpha)
    seen, bar = weigh(welch_contrast(control.scaled(at), treatment)), -math.log(alpha)
    assume(all(abs(log - bar) > NEAR for log in (seen.log_greater, seen.log_less)))
    assert (low is not None and at < low) == (seen.log_greater >= bar)
    assert (high is not None and at > high) == (seen.log_less >= bar)


@given(ENOUGH, ENOUGH, MEANS, SPREADS, ALPHAS, st.floats(0.05, 4))
def test_at_one_look_a_ratio_is_outside_exactly_when_welch_rejects_it(
    n, m, mean, sd, alpha, at
):
    """The interval at one look inverts the one-sided t-tests."""
    control, treatment = arms(n, m, mean, sd)
    low, high = ratio_interval_once(MeanRatio.separate(control, treatment), 1 - 2 * alpha)
    seen = welch(control.scaled(at), treatment)
    assume(all(abs(p / alpha - 1) > NEAR for p in (seen.p_greater, seen.p_less)))
    assert (low is not None and at < low) == (seen.p_greater < alpha)
    assert (high is not None and at > high) == (seen.p_less < alpha)


def pairs_of(n, shape, mean, seed):
    """Return control and treatment of pairs; the smaller the shape, the less clear of zero."""
    rng = np.random.default_rng(seed)
    control = rng.gamma(shape, 1 / shape, n)
    return control, mean * control + rng.normal(0, 0.3, n)


def paired(control, treatment, alpha):
    change = treatment - control
    shared = float(np.sum((change - change.mean()) * (control - control.mean())))
    means = MeanRatio.paired(Moments.of(control), Moments.of(change), shared)
    return ratio_interval(means, alpha)


def against(control, treatment, ratio):
    return weigh(paired_contrast(Moments.of(treatment - ratio * control)))


@pytest.mark.long
@given(
    st.integers(3, 40),
    st.sampled_from([0.2, 1, 4]),
    st.floats(0.5, 2),
    ALPHAS,
    st.floats(0.05, 40),
    st.integers(0, 99),
)
def test_a_ratio_of_pairs_is_outside_exactly_when_its_evidence_convinces(
    n, shape, mean, alpha, at, seed
):
    """Pairs that share what they have of their own are compared by their differences."""
    control, treatment = pairs_of(n, shape, mean, seed)
    assume(treatment.mean() > 0)
    low, high = paired(control, treatment, alpha)
    assume((low, high) != (None, None))
    seen, bar = against(control, treatment, at), -math.log(alpha)
    assume(all(abs(log - bar) > 1e-6 for log in (seen.log_greater, seen.log_less)))
    assert (low is not None and at < low) == (seen.log_greater >= bar)
    assert (high is not None and at > high) == (seen.log_less >= bar)


@pytest.mark.parametrize(
    ("n", "shape", "seed"), [(6, 4, 0), (30, 0.2, 2)], ids=["few pairs", "a wild control"]
)
def test_pairs_whose_control_is_not_clear_of_zero_show_no_interval(n, shape, seed):
    """Ratios somewhat above the estimate are out, and much larger ones are not."""
    control, treatment = pairs_of(n, shape, 1.0, seed)
    logs = [against(control, treatment, ratio).log_less for ratio in (1, 2, 1e9)]
    assert [log >= math.log(20) for log in logs] == [False, True, False]
    assert paired(control, treatment, 0.05) == (None, None)


@pytest.mark.long
@given(FEW, st.one_of(FEW, SIZES), WILD, WILD, WILD, st.sampled_from([1, 1, -1]), ALPHAS)
def test_few_units_show_no_interval_that_their_evidence_contradicts(
    n, m, spread, mean, other, sign, alpha
):
    """Whatever the arms are, the ends exclude "no change" exactly when its test does."""
    control = Moments.from_summary(n, 1.0, spread)
    treatment = Moments.from_summary(m, sign * mean, other)
    means, bar = MeanRatio.separate(control, treatment), -math.log(alpha)
    always, seen = ratio_interval(means, alpha), weigh(welch_contrast(control, treatment))
    once, test = ratio_interval_once(means, 1 - 2 * alpha), welch(control, treatment)
    assume(all(abs(log - bar) > NEAR for log in (seen.log_greater, seen.log_less)))
    assume(all(abs(p / alpha - 1) > NEAR for p in (test.p_greater, test.p_less)))
    for (low, high), above, below in (
        (always, seen.log_greater >= bar, seen.log_less >= bar),
        (once, test.p_greater < alpha, test.p_less < alpha),
    ):
        if (low, high) != (None, None):
            assert (low is not None and low > 1) == above
            assert (high is not None and high < 1) == below


def test_ratios_that_are_not_rejected_in_two_parts_show_no_interval():
    """Of six dear and eight cheap units some ratios are out, and larger ones are not."""
    control, treatment = Moments.from_summary(6, 5.0, 0.5), Moments.from_summary(8, 0.05, 0.01)

    def is_out(ratio):
        return weigh(welch_contrast(control.scaled(ratio), treatment)).log_less >= math.log(20)

    assert [is_out(ratio) for ratio in (0.011, 0.03, 1.0)] == [False, True, False]
    assert separate(control, treatment) == (None, None)
    low, high = separate(Moments.from_summary(14, 5.0, 0.5), treatment)
    assert low < 0.01 < high < 0.014


def test_a_treatment_that_is_a_constant_times_the_control_shows_no_point_as_interval():
    """All other ratios have one t, so that the interval would be the estimate alone."""
    nothing = Moments.of([0.0] * 30)
    assert separate(Moments.from_summary(30, 1.0, 0.1), nothing) == (None, None)


def test_a_spread_that_is_none_but_for_rounding_bounds_pairs():
    """Of pairs the treatment's variance is a sum that may come to less than nothing."""
    control, treatment = [1.0, 1.0, 731.484375], [1.8703189276861991] * 3
    change = Moments.of([b - a for a, b in zip(control, treatment, strict=True)])
    arm = Moments.of(control)
    means = MeanRatio.paired(arm, change, -arm.m2 * (1 + 1e-12))
    assert means.variance_treatment < 0
    assert ratio_interval(means, 0.05) == (None, None)


@given(st.integers(8, 60), st.integers(8, 60), st.floats(0.3, 2.0))
def test_the_interval_of_the_swapped_arms_is_the_reciprocal(n, m, ratio):
    """Control over treatment is bounded by the reciprocals of treatment over control."""
    control = Moments.from_summary(n, 10.0, 2.0)
    treatment = Moments.from_summary(m, 10.0 * ratio, 3.0)
    low, high = separate(control, treatment)
    assume(low is not None and high is not None and low > 0)
    assert separate(treatment, control) == pytest.approx((1 / high, 1 / low))


def test_a_ratio_has_no_upper_end_while_the_control_may_be_zero():
    """A control mean close to zero in units of its noise leaves the ratio open above."""
    low, high = separate(
        Moments.from_summary(30, 1.0, 2.5), Moments.from_summary(30, 12.0, 2.5)
    )
    assert high is None
    assert low > 1.0
    noise = Moments.from_summary(4, 0.1, 5.0)
    assert separate(noise, noise) == (None, None)


def test_a_common_sign_or_a_constant_arm_does_not_matter():
    """Negative means have the same ratio as positive ones; one constant arm is data."""
    control, treatment = Moments.from_summary(20, 5.0, 1.0), Moments.from_summary(20, 4.0, 1.0)
    mirrored = separate(control.scaled(-1.0), treatment.scaled(-1.0))
    assert mirrored == pytest.approx(separate(control, treatment))
    low, high = separate(Moments.of([5.0] * 20), treatment)
    assert low < 0.8 < high
    low, high = separate(treatment, Moments.of([5.0] * 20))
    assert low < 1.25 < high


def test_two_units_an_arm_bound_nothing():
    """While no t convinces, the interval is open and says so by None."""
    contrast = welch_contrast(Moments.of([1.0, 2.0]), Moments.of([8.0, 9.5]))
    assert difference_interval(contrast, 0.05) == (None, None)
    assert critical_statistic(2.0, 1.0, 0.05) is None


@given(st.floats(4, 1e5), st.floats(0, 3), ALPHAS)
def test_the_critical_statistic_is_where_the_evidence_reaches_one_over_alpha(df, size, alpha):
    """Or there is none, where not even an infinite one would."""
    n = 0.5 + df / 4 * math.exp(-size)
    found = critical_statistic(df, n, alpha)
    if found is None:
        assert log_e_mixed(math.inf, df, n) < -math.log(alpha)
    else:
        assert log_e_mixed(found, df, n) == pytest.approx(-math.log(alpha), abs=1e-9)


def test_degenerate_arms_carry_no_evidence():
    """Constant arms and a control of zero raise; a senseless alpha is refused."""
    for pair in ([[2.0] * 5, [3.0] * 5], [[2.0], [3.0, 4.0]], [[-1.0, 1.0], [2.0, 3.0]]):
        with pytest.raises(DegenerateDataError):
            separate(*map(Moments.of, pair))
    with pytest.raises(UsageError, match="alpha"):
        separate(Moments.of([1.0, 2.0, 4.0]), Moments.of([2.0, 3.0, 3.5]), alpha=5)


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.floats(0.2, 5))
def test_a_rising_root_is_found_from_any_guess(root, guess, power):
    """The secant finds the root of a curved function, and tells where there is none."""
    found = rising_root(lambda x: x**power - root**power, guess, 1e9)
    assert found == pytest.approx(root, rel=1e-9)
    assert rising_root(lambda x: -1 / (1 + x), guess, 1e9) is None
