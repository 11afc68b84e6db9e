import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate
from scipy import stats as sps
from tests.reference.confidence import (
    NormalMixture,
    asymptotic_interval,
    empirical_bernstein,
    msprt,
)

from meta_experiment.errors import DegenerateDataError, UsageError
from meta_experiment.stats.moments import Moments


@pytest.mark.long
@pytest.mark.parametrize("one_sided", [True, False])
@given(st.floats(-20, 60), st.floats(1, 500))
def test_normal_mixture_is_the_average_it_claims_to_be(one_sided, s, v):
    """The closed form equals the exponential supermartingale averaged over its prior."""
    mixture = NormalMixture(rho=30.0, one_sided=one_sided)
    precision = math.sqrt(30.0)
    peak = max(0.0, s / (v + 30.0)) if one_sided else s / (v + 30.0)
    width = 10 / math.sqrt(v + 30.0)
    top = peak * s - peak**2 * v / 2

    def integrand(slope):
        prior = sps.norm.pdf(slope, scale=1 / precision) * (2 if one_sided else 1)
        return prior * math.exp(slope * s - slope**2 * v / 2 - top)

    low = max(0.0, peak - width) if one_sided else peak - width
    value = integrate.quad(integrand, low, peak + width, epsabs=0, limit=200)[0]
    assert mixture.log_supermartingale(s, v) == pytest.approx(math.log(value) + top, abs=1e-6)


@pytest.mark.parametrize("one_sided", [True, False])
@given(st.floats(1, 1e4), st.floats(0.001, 0.2))
def test_boundary_is_where_the_mixture_reaches_its_limit(one_sided, v, alpha):
    """On the boundary the supermartingale equals 1/α."""
    mixture = NormalMixture.tightest_at(200.0, one_sided=one_sided)
    bound = mixture.boundary(v, alpha)
    assert mixture.log_supermartingale(bound, v) == pytest.approx(-math.log(alpha), rel=1e-9)


def test_boundary_is_tightest_where_asked():
    """Tuned for v = 100, the boundary there is within 1% of the best tuning's."""
    tuned = NormalMixture.tightest_at(100.0).boundary(100.0)
    best = min(NormalMixture(rho).boundary(100.0) for rho in np.geomspace(1, 100, 200))
    assert best <= tuned < 1.01 * best
    with pytest.raises(UsageError):
        NormalMixture.tightest_at(100.0, alpha=0.6, one_sided=True)


def test_msprt_is_its_mixture():
    """The mixture SPRT equals the likelihood ratio averaged over the prior."""
    control, treatment = (
        Moments.from_summary(40, 10.0, 2.0),
        Moments.from_summary(50, 11.0, 3.0),
    )
    se = math.hypot(control.standard_error, treatment.standard_error)

    def integrand(effect):
        return (
            sps.norm.pdf(1.0, effect, se)
            / sps.norm.pdf(1.0, 0, se)
            * sps.norm.pdf(effect, 0, 0.8)
        )

    value = integrate.quad(integrand, -8, 8)[0]
    evidence = msprt(control, treatment, tau=0.8)
    assert evidence.log_e == pytest.approx(math.log(value), abs=1e-8)
    assert evidence.p_value == pytest.approx(min(1.0, 1 / value))


def test_asymptotic_interval_and_p_value_agree():
    """Zero leaves the interval exactly when the p-value falls below α."""
    control = Moments.from_summary(60, 10.0, 2.0)
    for gap in np.linspace(0.5, 2.5, 21):
        found = asymptotic_interval(
            control, Moments.from_summary(60, 10 + gap, 2.0), tuning=100
        )
        assert (found.low > 0) == (found.p_value < 0.05)
        assert found.difference == pytest.approx(gap)


def test_asymptotic_interval_is_tightest_where_asked():
    """With 240 units in all, no tuning gives a narrower interval than about 240."""
    arms = Moments.from_summary(120, 10.0, 2.0), Moments.from_summary(120, 10.3, 2.0)
    widths = {}
    for tuning in np.geomspace(40, 1600, 60):
        found = asymptotic_interval(*arms, tuning=float(tuning))
        widths[float(tuning)] = found.high - found.low
    assert min(widths, key=widths.get) == pytest.approx(240, rel=0.15)


def bernstein_low(values, alpha, truncation):
    """Return the lower bound after all values, straight from the definition."""
    x, t = np.array(values), np.arange(1, len(values) + 1)
    means = (0.5 + np.cumsum(x)) / (t + 1)
    variances = (0.25 + np.cumsum((x - means) ** 2)) / (t + 1)
    before = np.concatenate([[0.25], variances[:-1]])
    stakes = np.minimum(truncation, np.sqrt(2 * np.log(1 / alpha) / (t * np.log1p(t) * before)))
    guesses = np.concatenate([[0.0], (np.cumsum(x) / t)[:-1]])
    costs = 4 * (x - guesses) ** 2 * (-np.log1p(-stakes) - stakes) / 4
    return (np.sum(stakes * x) - np.log(1 / alpha) - np.sum(costs)) / np.sum(stakes)


@pytest.mark.parametrize("n", [20, 60, 200])
def test_empirical_bernstein_follows_its_definition(n):
    """The running sums give the bounds that the definition gives at once."""
    values = np.random.default_rng(n).beta(2, 5, n).tolist()
    low, high = empirical_bernstein(values)[-1]
    assert low == pytest.approx(max(0.0, bernstein_low(values, 0.025, 0.5)), abs=1e-12)
    mirrored = bernstein_low([1 - x for x in values], 0.025, 0.5)
    assert high == pytest.approx(1 - max(0.0, mirrored), abs=1e-12)


def test_empirical_bernstein_covers_at_all_times():
    """The true mean of bounded values stays inside at every moment in most runs."""
    rng = np.random.default_rng(3)
    missed = 0
    for _ in range(60):
        intervals = empirical_bernstein(rng.beta(2, 5, 300), alpha=0.1)
        missed += any(not low <= 2 / 7 <= high for low, high in intervals)
    assert missed <= 6


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_empirical_bernstein_mirrors(values):
    """Counting from the other end mirrors the interval."""
    one = empirical_bernstein(values)
    other = empirical_bernstein([1 - x for x in values])
    for (low, high), (low_back, high_back) in zip(one, other, strict=True):
        assert (low, high) == pytest.approx((1 - high_back, 1 - low_back), abs=1e-9)


def test_senseless_input_is_refused():
    """Values outside their bounds, NaN and constant arms raise."""
    with pytest.raises(UsageError):
        empirical_bernstein([0.5, 1.5])
    with pytest.raises(DegenerateDataError):
        empirical_bernstein([0.5, math.nan])
    with pytest.raises(DegenerateDataError):
        msprt(Moments.of([1.0, 1.0]), Moments.of([2.0, 2.0]), tau=1.0)
