"""Two rates of the same cases: exact enough for all rates, and one thing with its interval."""

import itertools
import math

import numpy as np
import pytest
import scipy.stats as sps
from scipy.special import gammaln, xlogy

from meta_experiment.stats.paired_rate_ratio import (
    PartCases,
    WholeCases,
    cases_of,
    paired_rate_ratio,
)

RATIOS = (0.85, 0.9, 1.1, 1.15)


def tables(n):
    return np.array([
        (*some, n - sum(some))
        for some in itertools.product(range(n + 1), repeat=3)
        if sum(some) <= n
    ])  # fmt: skip


def chances(ratio):
    """Yield chances of the four outcomes at which treatment over control is the ratio."""
    for control in (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0):
        one = control * min(1.0, 1.0 / ratio)
        other = ratio * one
        least, most = max(0.0, one + other - 1.0), min(one, other)
        for part in (0.0, 0.5, 1.0):
            both = least + part * (most - least)
            yield np.clip([both, other - both, one - both, 1 - one - other + both], 0, 1)


@pytest.mark.parametrize("ratio", RATIOS)
def test_a_true_ratio_is_ruled_out_no_more_often_than_promised(ratio):
    """By enumeration, whatever the rates are and however the arms go together."""
    seen = tables(12)
    tails = np.array([WholeCases(*map(int, row)).tails(ratio) for row in seen])
    ways = gammaln(13) - gammaln(seen + 1).sum(axis=1)
    for chance in chances(ratio):
        weights = np.exp(ways + xlogy(seen, chance).sum(axis=1))
        for side in tails.T:
            for alpha in (0.05, 0.2):
                assert weights[side <= alpha].sum() <= 1.05 * alpha


@pytest.mark.parametrize("counts", [(17, 13, 10, 6), (9, 1, 0, 4), (12, 0, 0, 0), (3, 8, 1, 0)])
@pytest.mark.parametrize("ratio", RATIOS)
def test_the_spread_is_that_of_the_likeliest_rates_with_this_ratio(counts, ratio):
    """Found by going through all rates that have it."""
    alone, both = np.meshgrid(np.linspace(0, 1, 801), np.linspace(0, 1, 801))
    other = (ratio - 1) * both + ratio * alone
    chance = np.array([both, other, alone, 1 - both - other - alone])
    possible = (chance >= 0).all(axis=0)
    logs = xlogy(np.array(counts)[:, None, None], np.clip(chance, 0, 1)).sum(axis=0)
    place = np.unravel_index(np.where(possible, logs, -np.inf).argmax(), logs.shape)
    both, other, alone, _ = chance[(slice(None), *place)]
    variance = other + ratio**2 * alone + (1 - ratio) ** 2 * both
    n, excess = sum(counts), counts[0] + counts[1] - ratio * (counts[0] + counts[2])
    z = (excess - 0.5) / math.sqrt(n * variance)
    assert WholeCases(*counts).tails(ratio)[0] == pytest.approx(sps.norm.sf(z), abs=2e-3)


def test_of_equal_rates_it_is_mcnemars_with_half_a_case_less():
    above, below = WholeCases(40, 12, 3, 20).tails(1.0)
    assert above == pytest.approx(sps.norm.sf(8.5 / math.sqrt(15)))
    assert below == pytest.approx(sps.norm.sf(-9.5 / math.sqrt(15)))


@pytest.mark.parametrize(
    "cases",
    [
        WholeCases(17, 13, 10, 6),
        WholeCases(30, 0, 0, 0),
        WholeCases(0, 20, 20, 0),
        cases_of([0.5, 1.0, 1.0, 0.75] * 5, [1.0, 1.0, 0.25, 0.5] * 5),
    ],
)
def test_the_interval_is_what_the_test_does_not_rule_out(cases):
    low, high = paired_rate_ratio(cases, level=0.9)
    for step, inside in ((1 + 1e-9, True), (1 - 1e-9, False)):
        assert (cases.tails(low * step)[0] > 0.05) == inside
        assert (cases.tails(high / step)[1] > 0.05) == inside
    assert low < cases.rates[1] / cases.rates[0] < high


def test_where_an_arm_never_succeeds_one_side_is_open():
    assert paired_rate_ratio(WholeCases(0, 20, 0, 5))[1] is None
    assert paired_rate_ratio(WholeCases(0, 0, 20, 5))[0] == 0.0
    assert paired_rate_ratio(WholeCases(0, 0, 0, 9)) == (0.0, None)


def test_cases_are_counted_whole_or_by_their_moments():
    whole = cases_of([1.0, 0.0, 1.0, 0.0, 1.0], [1.0, 1.0, 0.0, 0.0, 1.0])
    assert whole == WholeCases(2, 1, 1, 1)
    control, treatment = np.random.default_rng(1).binomial(4, 0.7, (2, 25)) / 4
    parts = cases_of(control.tolist(), treatment.tolist())
    assert isinstance(parts, PartCases)
    above = sps.ttest_1samp([*(treatment - 0.9 * control), -0.9], 0, alternative="greater")
    below = sps.ttest_1samp([*(treatment - 0.9 * control), 1.0], 0, alternative="less")
    assert parts.tails(0.9) == pytest.approx((above.pvalue, below.pvalue), rel=1e-9)


def test_cases_that_all_succeed_are_not_taken_for_certain():
    """Of several outcomes too: not by 15 cases is a ratio of 0.9 ruled out, but by 40."""
    for n, told in ((15, False), (40, True)):
        whole = WholeCases(n, 0, 0, 0)
        ones = cases_of([1.0] * (n - 1) + [0.9], [1.0] * (n - 1) + [0.9])
        assert (whole.tails(0.9)[0] <= 0.05, ones.tails(0.9)[0] <= 0.05) == (told, told)
