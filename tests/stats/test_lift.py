import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.reference.lift import lift_delta, lift_fieller, lift_log_delta

from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.special import t_isf
from meta_experiment.stats.ttest import welch, welch_contrast

POSITIVE = st.lists(st.floats(1, 100).map(lambda x: round(x, 2)), min_size=3, max_size=15)
METHODS = [lift_delta, lift_log_delta, lift_fieller]


@pytest.mark.parametrize("method", METHODS)
@given(control=POSITIVE, treatment=POSITIVE, factor=st.sampled_from([0.01, 7.0]))
def test_lift_has_no_unit(method, control, treatment, factor):
    """Measuring in other units changes neither the lift nor its bounds."""
    assume(len({*control}) > 1 and len({*treatment}) > 1)
    one = method(Moments.of(control), Moments.of(treatment))
    other = method(Moments.of(control).scaled(factor), Moments.of(treatment).scaled(factor))
    assert one.estimate == pytest.approx(other.estimate, rel=1e-9, abs=1e-12)
    assert (one.low is None) == (other.low is None)
    if one.low is not None:
        assert (one.low, one.high) == pytest.approx((other.low, other.high), rel=1e-6, abs=1e-9)


@pytest.mark.long
@given(control=POSITIVE, treatment=POSITIVE)
def test_fieller_bounds_are_where_the_shifted_test_turns(control, treatment):
    """At a Fieller bound the test of treatment = (1+δ) control is exactly at its limit."""
    assume(len({*control}) > 1 and len({*treatment}) > 1)
    c, t = Moments.of(control), Moments.of(treatment)
    lift = lift_fieller(c, t)
    assume(lift.low is not None)
    critical = t_isf(0.025, welch_contrast(c, t).df)
    for bound in (lift.low, lift.high):
        ratio = 1.0 + bound
        se = math.hypot(t.standard_error, ratio * c.standard_error)
        assert abs(t.mean - ratio * c.mean) == pytest.approx(critical * se, rel=1e-6)


def test_fieller_is_unbounded_when_the_control_may_be_zero():
    """A control mean within its own noise of zero gives no finite lift."""
    lift = lift_fieller(Moments.of([-1.0, 1.2, 0.4]), Moments.of([4.0, 5.0, 6.0]))
    assert lift.low is None
    assert lift.high is None


def test_log_bounds_stay_above_a_loss_of_everything():
    """The log interval never reaches -100%, where the Taylor one does."""
    control, treatment = Moments.of([1.0, 9.0, 40.0]), Moments.of([1.0, 2.0, 18.0])
    assert lift_delta(control, treatment).low < -1.0
    assert lift_log_delta(control, treatment).low > -1.0


def test_lift_of_a_large_offset_keeps_its_digits():
    """A lift of 1e-12 on values near 1e12 is not lost in the ratio."""
    rng = np.random.default_rng(5)
    control = Moments.of(1e12 + rng.normal(0, 1, 50))
    treatment = Moments.of(1e12 + 1 + rng.normal(0, 1, 50))
    expected = welch(control, treatment).difference / 1e12
    for method in (lift_delta, lift_log_delta, lift_fieller):
        assert method(control, treatment).estimate == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_methods_agree_when_the_noise_is_small(method):
    """With means far from zero all three intervals are nearly the same."""
    control = Moments.from_summary(400, 100.0, 5.0)
    treatment = Moments.from_summary(400, 90.0, 5.0)
    lift = method(control, treatment)
    assert lift.estimate == pytest.approx(-0.1)
    assert (lift.low, lift.high) == pytest.approx((-0.10657, -0.09338), abs=5e-5)
    assert lift.p_value < 1e-20


@pytest.mark.parametrize("method", METHODS)
def test_no_base_no_lift(method):
    """A control mean of exactly zero raises."""
    with pytest.raises(DegenerateDataError, match="zero"):
        method(Moments.of([-1.0, 1.0]), Moments.of([2.0, 3.0]))


def test_means_of_different_sign_have_no_log_ratio():
    """The log method refuses a negative ratio."""
    with pytest.raises(DegenerateDataError, match="sign"):
        lift_log_delta(Moments.of([1.0, 3.0]), Moments.of([-1.0, -3.0]))
