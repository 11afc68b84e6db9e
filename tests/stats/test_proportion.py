import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as sps
from tests.reference.barnard import barnard_exact

from meta_experiment.errors import DegenerateDataError, UsageError
from meta_experiment.stats.proportion import (
    fisher_exact,
    homogeneity,
    newcombe,
    pooled_z,
    wilson,
)

COUNTS = st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(COUNTS, COUNTS)
def test_fisher_matches_an_independent_implementation(control, treatment):
    """All three p-values of Fisher's test agree with scipy's on every small table."""
    (x_c, n_c), (x_t, n_t) = control, treatment
    table = [[x_t, n_t - x_t], [x_c, n_c - x_c]]
    test = fisher_exact(x_c, n_c, x_t, n_t)
    for p, alternative in (
        (test.p_value, "two-sided"),
        (test.p_greater, "greater"),
        (test.p_less, "less"),
    ):
        assert p == pytest.approx(sps.fisher_exact(table, alternative).pvalue, rel=1e-9)


@pytest.mark.parametrize("counts", [(5, 6, 2, 11), (1, 6, 9, 11), (5, 9, 2, 12)])
def test_fisher_counts_tables_that_tie(counts):
    """Tables exactly as probable as the observed one count, whatever rounding says."""
    x_c, n_c, x_t, n_t = counts
    total = x_c + x_t
    ways = {
        k: math.comb(n_t, k) * math.comb(n_c, total - k)
        for k in range(max(0, total - n_c), min(total, n_t) + 1)
    }
    exact = sum(w for w in ways.values() if w <= ways[x_t]) / sum(ways.values())
    assert fisher_exact(*counts).p_value == pytest.approx(exact, rel=1e-12)


def test_the_lady_tasting_tea():
    """Three of four cups right is p = 0.2429 (Fisher 1935)."""
    assert fisher_exact(1, 4, 3, 4).p_greater == pytest.approx(17 / 70)


def barnard_by_enumeration(x_c, n_c, x_t, n_t):
    """Return the greatest tail probability over a fine grid of common rates."""
    i, j = np.arange(n_c + 1)[:, None], np.arange(n_t + 1)[None, :]
    pooled = (i + j) / (n_c + n_t)
    variance = pooled * (1 - pooled) * (1 / n_c + 1 / n_t)
    z = (j / n_t - i / n_c) / np.sqrt(np.where(variance > 0, variance, 1.0))
    extreme = np.abs(z) >= np.abs(z[x_c, x_t]) * (1 - 1e-12)
    rates = np.linspace(0.0, 1.0, 4001)[:, None, None]
    tails = sps.binom.pmf(i, n_c, rates) * sps.binom.pmf(j, n_t, rates) * extreme
    return tails.sum(axis=(1, 2)).max()


@settings(max_examples=20)
@given(
    st.integers(2, 9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.integers(2, 12).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
)
def test_barnard_is_the_worst_case_over_all_rates(control, treatment):
    """Barnard's p-value is the greatest tail probability that any common rate gives."""
    if control[0] + treatment[0] in (0, control[1] + treatment[1]):
        with pytest.raises(DegenerateDataError):
            barnard_exact(*control, *treatment)
        return
    oracle = barnard_by_enumeration(*control, *treatment)
    assert barnard_exact(*control, *treatment) == pytest.approx(oracle, rel=1e-5)


def test_barnard_matches_an_independent_implementation():
    """7 of 15 against 15 of 15 gives what scipy's global search gives."""
    reference = sps.barnard_exact([[15, 7], [0, 8]]).pvalue
    assert barnard_exact(7, 15, 15, 15) == pytest.approx(reference, rel=1e-9)


@given(COUNTS, COUNTS)
def test_z_mirrors_and_agrees_with_chi_square(control, treatment):
    """Swapping arms flips z; its square is Pearson's chi-square of the table."""
    (x_c, n_c), (x_t, n_t) = control, treatment
    if x_c + x_t in (0, n_c + n_t):
        with pytest.raises(DegenerateDataError, match="same"):
            pooled_z(x_c, n_c, x_t, n_t)
        return
    test, back = pooled_z(x_c, n_c, x_t, n_t), pooled_z(x_t, n_t, x_c, n_c)
    table = homogeneity([x_c, x_t], [n_c, n_t])
    assert test.statistic == pytest.approx(-back.statistic, abs=1e-12)
    assert test.p_greater == pytest.approx(back.p_less)
    assert test.statistic**2 == pytest.approx(table.statistic, abs=1e-9)
    assert test.p_value == pytest.approx(table.p_value, abs=1e-12)


@given(COUNTS, st.floats(0.5, 0.99))
def test_wilson_inverts_the_score_test(count, level):
    """At a Wilson bound the score test of that rate has exactly the level."""
    x, n = count
    interval = wilson(x, n, level=level)
    assert 0.0 <= interval.low <= x / n <= interval.high <= 1.0
    for bound in (interval.low, interval.high):
        if 0.0 < bound < 1.0:
            z = abs(x / n - bound) / math.sqrt(bound * (1 - bound) / n)
            assert 2 * sps.norm.sf(z) == pytest.approx(1 - level, rel=1e-9)


@given(COUNTS, COUNTS)
def test_newcombe_mirrors_and_stays_possible(control, treatment):
    """Newcombe's interval flips with the arms and never leaves [-1, 1]."""
    one, back = newcombe(*control, *treatment), newcombe(*treatment, *control)
    assert -1.0 <= one.low <= one.high <= 1.0
    assert (one.low, one.high) == pytest.approx((-back.high, -back.low))


def test_arms_without_variance_have_an_interval_but_no_test():
    """0/20 against 0/20 is no evidence of anything, yet bounds the difference."""
    interval = newcombe(0, 20, 0, 20)
    assert interval.high == pytest.approx(0.16112515805281938)
    with pytest.raises(DegenerateDataError):
        pooled_z(0, 20, 0, 20)
    assert fisher_exact(0, 20, 0, 20).p_value == 1.0


@pytest.mark.parametrize("function", [pooled_z, newcombe, fisher_exact, barnard_exact])
def test_counts_must_fit_and_exist(function):
    """No trials raise as data without evidence, impossible counts as misuse."""
    with pytest.raises(DegenerateDataError):
        function(0, 0, 3, 5)
    with pytest.raises(UsageError):
        function(6, 5, 3, 5)


def test_four_groups():
    """Four studies of smokers give chi-square 12.6 on 3 df (Fleiss 1981)."""
    test = homogeneity([83, 90, 129, 70], [86, 93, 136, 82])
    assert test.statistic == pytest.approx(12.6004113)
    assert test.df == 3
    assert test.p_value == pytest.approx(0.00558547666)
    with pytest.raises(DegenerateDataError):
        homogeneity([0, 0], [5, 9])
