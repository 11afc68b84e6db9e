import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from scipy import stats as sps

from meta_experiment.errors import DegenerateDataError, UsageError
from meta_experiment.stats.bayes import beta_binomial
from meta_experiment.stats.best_arm import best_mean, best_rate
from meta_experiment.stats.moments import Moments

COUNTS = st.integers(0, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def by_trapezoid(density, distribution, x, dx):
    """Return each arm's chance to be highest, on the points of a line."""
    f, below = density(x[:, None]), distribution(x[:, None])
    others = [np.delete(below, k, axis=1).prod(axis=1) for k in range(f.shape[1])]
    return [float((f[:, k] * other * dx).sum()) for k, other in enumerate(others)]


@pytest.mark.parametrize(
    "counts",
    [
        [(0, 4), (1, 40), (9, 90)],
        [(3, 10), (5, 10), (5, 10), (9, 10)],
        [(40 + 2 * k, 100) for k in range(8)],
        [(0, 0), (2, 2)],
        [(500, 1000), (5, 10), (52, 100)],
    ],
)
def test_rates_agree_with_a_trapezoid_of_scipy(counts):
    """Eight digits, with unequal numbers of trials, without successes and without trials."""
    found = best_rate(counts)
    a, b = np.array([(k + 1, n - k + 1) for k, n in counts]).T
    w, dw = np.linspace(-40, 40, 40_001, retstep=True)
    x = special.expit(w)
    expected = by_trapezoid(sps.beta(a, b).pdf, sps.beta(a, b).cdf, x, x * (1 - x) * dw)
    assert found == pytest.approx(expected, abs=2e-9)
    assert math.fsum(found) == pytest.approx(1.0, abs=1e-8)


@pytest.mark.parametrize(
    "arms",
    [
        [(20, 4.0, 0.5), (18, 3.8, 0.6), (25, 3.9, 0.4)],
        [(2, 0.0, 1.0), (2, 1.0, 2.0), (300, 0.5, 1.0)],
        [(3, 0.0, 0.01), (50, 0.02, 3.0), (9, -0.1, 0.4)],
    ],
)
def test_means_agree_with_a_trapezoid_of_scipy(arms):
    """From two values on, where tails are Cauchy's, to scales a hundred times apart."""
    found = best_mean([Moments.from_summary(*arm) for arm in arms])
    n, mean, sd = np.array(arms).T
    known = sps.t(n - 1, mean, sd / np.sqrt(n))
    v, dv = np.linspace(-30, 30, 30_001, retstep=True)
    x = 0.01 * np.sinh(v)
    expected = by_trapezoid(known.pdf, known.cdf, x, 0.01 * np.cosh(v) * dv)
    assert found == pytest.approx(expected, abs=5e-9)


@settings(max_examples=15)
@given(st.lists(COUNTS, min_size=2, max_size=6))
def test_chances_sum_to_one_whichever_way_is_better(counts):
    """They sum to one; lowest is highest with failures for successes; order does not matter."""
    found = best_rate(counts)
    assert math.fsum(found) == pytest.approx(1.0, abs=1e-8)
    failures = [(n - k, n) for k, n in counts]
    assert best_rate(failures, lower=True) == pytest.approx(found, abs=1e-9)
    assert best_rate(counts[::-1])[::-1] == pytest.approx(found, abs=1e-9)


@pytest.mark.long
@settings(max_examples=8)
@given(COUNTS, COUNTS, st.floats(1, 5))
def test_two_rates_as_by_the_pair(one, other, prior):
    """Of two arms it is the chance to be better that the pair's posterior gives."""
    pair = beta_binomial(*one, *other, prior_alpha=prior, prior_beta=prior)
    found = best_rate([one, other], prior=(prior, prior))
    assert found[1] == pytest.approx(pair.chance_better, abs=1e-8)


def test_a_billion_trials_keep_their_digits():
    """Far from the logit's middle and with widths of 1e-5, as by the normal approximation."""
    n = 10**9
    found = best_rate([(n // 100, n), (n // 100 + 3000, n)])
    z = 3000 / math.sqrt(2 * n * 0.01 * 0.99)
    assert found[0] == pytest.approx(sps.norm.sf(z), rel=1e-3)
    both = best_mean([Moments.of([1e12, 1e12 + 1]), Moments.of([1e12 + 1, 1e12 + 2])])
    assert both == pytest.approx(best_mean([Moments.of([0, 1]), Moments.of([1, 2])]), abs=1e-9)


def test_values_that_differ_by_a_rounding_are_still_compared():
    """An arm that is narrower than the last digit of its place has a chance all the same."""
    wide, alike = Moments(1000, 0.0, 1.0), Moments(30, 4.7, 1e-30)
    assert best_mean([wide, alike]) == pytest.approx([0.0, 1.0], abs=1e-7)
    assert best_mean([wide, alike, alike]) == pytest.approx([0.0, 0.5, 0.5], abs=1e-7)


def test_means_follow_shift_and_scale():
    """Twice the unit and another origin change nothing; lower mirrors higher."""
    arms = [Moments.of([1.0, 2.5, 3.0]), Moments.of([2.0, 2.1, 4.0]), Moments.of([0.0, 5.0])]
    found = best_mean(arms)
    assert best_mean([arm.shifted(40).scaled(3) for arm in arms]) == pytest.approx(found)
    assert best_mean([arm.scaled(-1) for arm in arms], lower=True) == pytest.approx(found)


def test_an_arm_without_spread_is_not_scored():
    """One value, or a constant, is believed nothing of; no arm at all is an error."""
    fine = Moments.of([1.0, 2.0])
    for odd in (Moments.of([1.0]), Moments.of([3.0, 3.0])):
        with pytest.raises(DegenerateDataError):
            best_mean([fine, odd])
    with pytest.raises(UsageError):
        best_rate([])
    with pytest.raises(UsageError):
        best_mean([])
    with pytest.raises(UsageError):
        best_rate([(3, 2)])
    with pytest.raises(UsageError):
        best_rate([(1, 2)], prior=(0.0, 1.0))
    assert best_rate([(1, 2)]) == pytest.approx([1.0])
