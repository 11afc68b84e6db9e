"""Intervals for the ratio of two rates hold it, at one look and at all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats
from scipy.special import xlog1py, xlogy

from meta_experiment.errors import DegenerateDataError, UsageError
from meta_experiment.stats.rate_ratio import (
    anytime_rate_ratio,
    anytime_ratio_evidence,
    rate_ratio,
    rate_ratio_tails,
)


@st.composite
def tables(draw):
    n, m = draw(st.integers(1, 200)), draw(st.integers(1, 200))
    return draw(st.integers(0, n)), n, draw(st.integers(0, m)), m


def profile(table, ratio):
    """Return the greatest log likelihood that a ratio allows, by brute force."""
    k, n, j, m = table

    def minus(rate):
        return -(stats.binom.logpmf(k, n, rate) + stats.binom.logpmf(j, m, ratio * rate))

    return -optimize.minimize_scalar(minus, bounds=(1e-9, min(1, 1 / ratio)), method="bounded",
                                     options={"xatol": 1e-12}).fun  # fmt: skip


@pytest.mark.parametrize("table", [(7, 20, 15, 20), (50, 100, 70, 90), (3, 40, 9, 30)])
@pytest.mark.parametrize("ratio", [0.9, 1.0, 1.15])
def test_the_tails_are_a_score_at_the_likeliest_rates_less_half_a_unit_of_each_arm(
    table, ratio
):
    """Found by going through all rates that have the ratio."""
    k, n, j, m = table
    rates = np.linspace(0, min(1, 1 / ratio), 2_000_001)[1:-1]
    logs = xlogy(k, rates) + xlog1py(n - k, -rates)
    logs += xlogy(j, ratio * rates) + xlog1py(m - j, -ratio * rates)
    rate = rates[logs.argmax()]
    parts = np.array([ratio**2 * rate * (1 - rate) / n, ratio * rate * (1 - ratio * rate) / m])
    df = parts.sum() ** 2 / (parts**2 / (n - 1, m - 1)).sum()
    excess, doubt = j / m - ratio * k / n, 0.5 * (1 / m + ratio / n)
    expected = stats.t.sf((np.array([excess, -excess]) - doubt) / np.sqrt(parts.sum()), df)
    assert rate_ratio_tails(*table, ratio) == pytest.approx(expected, rel=1e-5)


@pytest.mark.long
@given(tables())
def test_the_interval_of_one_look_is_what_its_tails_do_not_rule_out(table):
    low, high = rate_ratio(*table, level=0.9)
    if low > 0:
        assert rate_ratio_tails(*table, low * (1 + 1e-9))[0] > 0.05
        assert rate_ratio_tails(*table, low * (1 - 1e-9))[0] <= 0.05
    if high is not None:
        assert rate_ratio_tails(*table, high * (1 - 1e-9))[1] > 0.05
        assert rate_ratio_tails(*table, high * (1 + 1e-9))[1] <= 0.05


@pytest.mark.parametrize("table", [(7, 20, 15, 20), (50, 100, 70, 90)])
def test_the_bounds_of_all_looks_are_where_the_average_outweighs_the_best(table):
    """The likelihood averaged over Jeffreys' priors is 20 times the best one at a bound."""
    k, n, j, m = table
    average = stats.betabinom.logpmf(k, n, 0.5, 0.5) + stats.betabinom.logpmf(j, m, 0.5, 0.5)
    for bound in anytime_rate_ratio(*table, alpha=0.05):
        assert average - profile(table, bound) == pytest.approx(np.log(20), abs=1e-6)


@pytest.mark.long
@given(tables())
def test_the_estimate_is_inside_and_always_costs_width(table):
    """Both hold the observed ratio; of 20 units of either kind that for all looks is wider."""
    k, n, j, m = table
    always, once = anytime_rate_ratio(*table), rate_ratio(*table)
    for low, high in (always, once):
        if k:
            assert low <= j / m / (k / n) * (1 + 1e-9)
            assert high is None or high >= j / m / (k / n) * (1 - 1e-9)
    if min(n, m) < 20 or k in (0, n) or j in (0, m):
        return
    assert always[0] <= once[0] + 1e-12
    assert always[1] is None or (once[1] is not None and once[1] <= always[1] * (1 + 1e-9))


@given(tables())
def test_swapping_the_arms_inverts_the_ratio(table):
    """The bounds of control over treatment are one over those of treatment over control."""
    k, n, j, m = table
    low, high = anytime_rate_ratio(*table)
    other_low, other_high = anytime_rate_ratio(j, m, k, n)
    if high is not None:
        assert other_low == pytest.approx(1 / high, rel=1e-6)
    if low > 0:
        assert other_high == pytest.approx(1 / low, rel=1e-6)
    else:
        assert other_high is None


@given(tables(), st.floats(0.2, 5))
def test_evidence_against_a_ratio_reaches_the_bar_where_the_interval_ends(table, ratio):
    """A ratio is outside the interval exactly when one side's e-value is 20 against it."""
    low, high = anytime_rate_ratio(*table, alpha=0.05)
    above, below = anytime_ratio_evidence(*table, ratio)
    if abs(max(above, below) - np.log(20)) > 1e-6:
        outside = ratio < low or (high is not None and ratio > high)
        assert bool(max(above, below) >= np.log(20)) is outside
    k, n, j, m = table
    if j * n > ratio * k * m:
        assert below <= 1e-12
    else:
        assert above <= 1e-12


@pytest.mark.parametrize(("control", "treatment"), [(0.98, 0.882), (0.5, 0.45), (0.1, 0.15)])
def test_evidence_is_seldom_wrong_at_the_ratio_itself(control, treatment):
    """Exactly at a margin, beyond it is shown at any look in at most 5% of runs."""
    rng = np.random.default_rng(11)
    crossed = np.zeros(2)
    for _ in range(150):
        k, j = (np.cumsum(rng.random(120) < rate) for rate in (control, treatment))
        logs = [
            anytime_ratio_evidence(int(k[m - 1]), m, int(j[m - 1]), m, treatment / control)
            for m in (*range(3, 40), *range(40, 121, 5))
        ]
        crossed += np.max(logs, axis=0) >= np.log(20)
    assert (crossed <= 0.05 * 150).all()


def most_ruled_out(n, m, ratio, *alphas):
    """Return the greatest chances, over all rates, that a tail rules its true ratio out."""
    tails = np.array([[rate_ratio_tails(k, n, j, m, ratio) for j in range(m + 1)]
                      for k in range(n + 1)])  # fmt: skip
    control = np.linspace(0.005, 1, 200) / max(1, ratio)
    chances = stats.binom.pmf(np.arange(n + 1), n, control[:, None])
    others = stats.binom.pmf(np.arange(m + 1), m, ratio * control[:, None])
    return [
        max(
            (chances @ (tails[:, :, side] <= alpha) * others).sum(axis=1).max()
            for side in (0, 1)
        )
        for alpha in alphas
    ]


@pytest.mark.parametrize(("n", "m"), [(10, 10), (13, 13), (29, 29), (12, 40)])
@pytest.mark.parametrize("ratio", [0.9, 1.15])
def test_a_true_ratio_is_ruled_out_no_more_often_than_promised(n, m, ratio):
    """By enumeration, whatever the rates are."""
    assert most_ruled_out(n, m, ratio, 0.05)[0] <= 0.05


@pytest.mark.long
@pytest.mark.parametrize(("n", "m"), [(50, 50), (100, 100), (200, 200), (30, 100), (200, 20)])
@pytest.mark.parametrize("ratio", [0.85, 0.95, 1.1])
def test_a_true_ratio_is_ruled_out_as_promised_by_larger_arms(n, m, ratio):
    """At 1% too, by arms of one size."""
    usual, strict = most_ruled_out(n, m, ratio, 0.05, 0.01)
    assert usual <= 0.05
    assert strict <= (0.01 if n == m else 0.014)


def test_an_arm_without_successes_leaves_a_side_open():
    """Nothing bounds a ratio to zero from above, and no success bounds it below by nothing."""
    assert anytime_rate_ratio(0, 20, 0, 20) == (0.0, None)
    assert anytime_rate_ratio(0, 50, 40, 50)[0] > 1
    assert anytime_rate_ratio(0, 50, 40, 50)[1] is None
    low, high = anytime_rate_ratio(40, 50, 0, 50)
    assert low == 0
    assert high < 1


def test_arms_without_a_failure_are_not_taken_for_certain():
    """Twenty of twenty in both arms may well be rates of 0.8 and 1."""
    low, high = rate_ratio(20, 20, 20, 20)
    assert low < 0.95
    assert high > 1.05


@pytest.mark.long
@pytest.mark.parametrize(("control", "treatment"), [(0.9, 0.98), (0.98, 0.9), (0.1, 0.2)])
def test_it_holds_the_true_ratio_at_all_looks(control, treatment):
    """Looked at after every pair from the first on, 95% of runs never lose the truth."""
    rng = np.random.default_rng(8)
    missed, truth = 0, treatment / control
    for _ in range(150):
        k, j = (np.cumsum(rng.random(80) < rate) for rate in (control, treatment))
        for m in (*range(1, 30), *range(30, 81, 5)):
            low, high = anytime_rate_ratio(int(k[m - 1]), m, int(j[m - 1]), m)
            if truth < low or (high is not None and truth > high):
                missed += 1
                break
    assert missed <= 0.05 * 150 + 3 * np.sqrt(0.05 * 0.95 * 150)


def test_parts_of_successes_are_between_whole_ones():
    """Half a success more moves the bounds by less than a whole one."""
    lows = [anytime_rate_ratio(5, 20, j, 20)[0] for j in (12, 12.5, 13)]
    assert lows[0] < lows[1] < lows[2]


def test_impossible_tables_are_refused():
    """No trials, more successes than trials, a level that is none."""
    with pytest.raises(DegenerateDataError):
        anytime_rate_ratio(0, 0, 1, 2)
    with pytest.raises(UsageError):
        rate_ratio(3, 2, 1, 2)
    with pytest.raises(UsageError):
        rate_ratio(1, 2, 1, 2, level=95)
