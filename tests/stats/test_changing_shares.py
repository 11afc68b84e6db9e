import math

import numpy as np
import pytest
from scipy import stats as sps

from meta_experiment.errors import UsageError
from meta_experiment.stats.changing_shares import anytime_changing_ratio, changing_ratio
from meta_experiment.stats.srm import anytime_srm, chi_square


def test_shares_that_do_not_change_are_pearsons_test():
    """With one split throughout, statistic and evidence are those of fixed shares."""
    counts, share = [30, 50, 20], (0.25, 0.5, 0.25)
    found, plain = changing_ratio(counts, [share] * 100), chi_square(counts, share)
    assert found.test.statistic == pytest.approx(plain.statistic, rel=1e-12)
    assert (found.test.df, found.test.p_value) == (2, pytest.approx(plain.p_value, rel=1e-12))
    arms = np.random.default_rng(1).permutation(np.repeat([0, 1, 2], counts)).tolist()
    anytime = anytime_changing_ratio(arms, [share] * 100)
    assert anytime.log_e == pytest.approx(anytime_srm(counts, share).log_e, abs=1e-10)


def test_two_arms_by_the_normal_deviate():
    """Expected Σπ and variance Σπ(1-π): the square of z is the statistic."""
    shares = [(0.5, 0.5)] * 40 + [(0.35, 0.65)] * 60 + [(0.2, 0.8)] * 100
    found = changing_ratio([55, 145], shares)
    assert found.expected == pytest.approx((61.0, 139.0))
    assert found.variances == pytest.approx((39.65, 39.65))
    assert found.z(1) == pytest.approx(6.0 / math.sqrt(39.65))
    assert found.test.p_value == pytest.approx(2 * sps.norm.sf(found.z(1)), rel=1e-12)


def test_an_arm_that_cannot_be_drawn():
    """One draw of an arm whose share is zero cannot be; none adds no degree of freedom."""
    shares = [(0.5, 0.5, 0.0)] * 10
    fine = changing_ratio([4, 6, 0], shares)
    assert (fine.test.df, fine.z(2)) == (1, 0.0)
    broken = changing_ratio([4, 5, 1], shares)
    assert (broken.test.p_value, broken.z(2)) == (0.0, math.inf)
    assert anytime_changing_ratio([0, 2], shares[:2]).p_value == 0.0
    assert changing_ratio([3, 0], [(1.0, 0.0)] * 3).test.p_value == 1.0
    assert changing_ratio([0, 0], []).test.p_value == 1.0
    assert anytime_changing_ratio([], []).p_value == 1.0


def test_shares_that_follow_the_draws_alarm_as_rarely_as_said():
    """Shares that lean to what was drawn last, looked at after every unit: at most 1 %."""
    rng, alarms, runs = np.random.default_rng(7), 0, 40
    for _ in range(runs):
        share, arms, shares = np.full(3, 1 / 3), [], []
        for _ in range(200):
            arm = int(rng.choice(3, p=share))
            arms.append(arm)
            shares.append(tuple(share))
            share = 0.9 * share + 0.1 * np.eye(3)[arm]
            share = 0.3 / 3 + 0.7 * share
            share /= share.sum()
        looks = (anytime_changing_ratio(arms[:n], shares[:n]).log_e for n in (50, 100, 200))
        alarms += max(looks) > math.log(100)
    assert alarms <= 2


def test_draws_that_ignore_the_shares_are_found():
    """Half and half drawn where the shares moved to 80 %: beyond doubt after 300 units."""
    rng = np.random.default_rng(3)
    shares = [(0.5 - 0.001 * k, 0.5 + 0.001 * k) for k in range(300)]
    arms = rng.integers(0, 2, 300).tolist()
    assert anytime_changing_ratio(arms, shares).p_value < 1e-4
    assert changing_ratio([arms.count(0), arms.count(1)], shares).test.p_value < 1e-4


@pytest.mark.parametrize(
    ("counts", "shares"),
    [
        ([1], [(1.0,)]),
        ([1, 1], [(0.5, 0.5)]),
        ([2, -1], [(0.5, 0.5)]),
        ([1, 0], [(0.5, 0.6)]),
        ([1, 0], [(1.2, -0.2)]),
        ([1, 0], [(0.2, 0.3, 0.5)]),
        ([1, 0], [(math.nan, 0.5)]),
    ],
)
def test_what_makes_no_sense_is_refused(counts, shares):
    """Counts that are not the units', and shares that are no probabilities."""
    with pytest.raises(UsageError):
        changing_ratio(counts, shares)


def test_as_many_draws_as_shares():
    """Evidence at every look takes one share a draw, and a concentration above zero."""
    with pytest.raises(UsageError):
        anytime_changing_ratio([0, 1], [(0.5, 0.5)])
    with pytest.raises(UsageError):
        anytime_changing_ratio([0], [(0.5, 0.5)], concentration=0.0)
