import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as sps
from tests.reference.cuped import cuped
from tests.reference.quantile import quantile_interval

from meta_experiment.errors import DegenerateDataError, UsageError
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.quantile import sample_quantile
from meta_experiment.stats.ratio import linearised
from meta_experiment.stats.ttest import welch


def test_cuped_takes_out_what_the_past_explains():
    """A covariate that explains most of the noise cuts the standard error, not the effect."""
    rng = np.random.default_rng(3)
    before = rng.normal(100, 20, 400)
    values = before + rng.normal(0, 3, 400) + np.repeat([0.0, 2.0], 200)
    raw = welch(Moments.of(values[:200]), Moments.of(values[200:]))
    adjusted = cuped(values[:200], values[200:], before[:200], before[200:])
    test = welch(adjusted.control, adjusted.treatment)
    assert adjusted.theta == pytest.approx(1.0, abs=0.03)
    assert test.standard_error < raw.standard_error / 5
    assert test.difference == pytest.approx(2.0, abs=4 * test.standard_error)


@given(st.floats(0.5, 200), st.floats(-1e3, 1e3))
def test_cuped_ignores_unit_and_origin_of_the_covariate(factor, offset):
    """Any linear change of the covariate leaves the adjusted comparison as it is."""
    rng = np.random.default_rng(4)
    before, values = rng.normal(0, 1, 40), rng.normal(0, 1, 40)
    one = cuped(values[:20], values[20:], before[:20], before[20:])
    moved = before * factor + offset
    other = cuped(values[:20], values[20:], moved[:20], moved[20:])
    assert one.treatment.minus(one.control) == pytest.approx(
        other.treatment.minus(other.control), rel=1e-7, abs=1e-9
    )


def test_cuped_needs_a_covariate_that_varies():
    """A constant covariate raises, and so does one value too few."""
    with pytest.raises(DegenerateDataError):
        cuped([1.0, 2.0], [2.0, 3.0], [1.0, 1.0], [1.0, 1.0])
    with pytest.raises(UsageError):
        cuped([1.0, 2.0], [2.0, 3.0], [1.0], [1.0, 1.0])


def test_ratio_of_sums_and_its_error():
    """The mean is the ratio of sums; the error is the delta method's."""
    rng = np.random.default_rng(6)
    bottoms = rng.integers(1, 9, 300).astype(float)
    tops = bottoms * rng.normal(2, 0.5, 300)
    moments = Moments.of(linearised(tops, bottoms))
    ratio = tops.sum() / bottoms.sum()
    cov = np.cov(tops, bottoms)
    variance = cov[0, 0] - 2 * ratio * cov[0, 1] + ratio**2 * cov[1, 1]
    assert moments.mean == pytest.approx(ratio, rel=1e-13)
    assert moments.standard_error == pytest.approx(
        math.sqrt(variance / 300) / bottoms.mean(), rel=1e-12
    )


def test_ratio_with_constant_denominator_is_the_mean():
    """When every denominator is one, the ratio metric is the plain mean."""
    values = [3.0, 5.0, 4.5, 8.0]
    moments = Moments.of(linearised(values, [1.0] * 4))
    assert moments.mean == pytest.approx(Moments.of(values).mean)
    assert moments.m2 == pytest.approx(Moments.of(values).m2)
    with pytest.raises(DegenerateDataError):
        Moments.of(linearised([1.0, 2.0], [1.0, -1.0]))
    with pytest.raises(UsageError):
        Moments.of(linearised([1.0, 2.0], [1.0]))


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=40), st.floats(0, 1))
def test_sample_quantile_is_numpys_default(values, q):
    """Quantiles are those of type 7."""
    assert sample_quantile(values, q) == pytest.approx(np.quantile(values, q), abs=1e-9)


@pytest.mark.parametrize("q", [0.05, 0.5, 0.9])
@pytest.mark.parametrize("n", [5, 60, 501])
def test_quantile_interval_matches_an_independent_implementation(q, n):
    """Order-statistic bounds are scipy's; absent where the sample is too small."""
    values = np.random.default_rng(n).normal(0, 1, n)
    found = quantile_interval(values, q)
    bounds = sps.quantile_test(values, p=q).confidence_interval(0.95)
    for mine, theirs in ((found.low, bounds.low), (found.high, bounds.high)):
        assert (mine is None) == math.isnan(theirs)
        assert mine is None or mine == theirs


def test_no_values_have_no_quantile():
    with pytest.raises(DegenerateDataError):
        quantile_interval([], 0.5)
    with pytest.raises(DegenerateDataError):
        sample_quantile([], 0.5)
