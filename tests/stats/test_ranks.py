import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as sps

from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.ranks import (
    mann_whitney,
    mann_whitney_asymptotic,
    mann_whitney_exact,
    midranks,
    wilcoxon_signed_rank,
)

TIED = st.lists(st.integers(0, 6).map(float), min_size=2, max_size=6)


def enumerated(control, treatment):
    """Return the permutation p-value of the rank sum by going through every deal."""
    ranks = sps.rankdata([*control, *treatment])
    n_t = len(treatment)
    center = n_t * (len(ranks) + 1) / 2
    far = abs(ranks[len(control) :].sum() - center)
    deals = list(itertools.combinations(ranks, n_t))
    return sum(abs(sum(deal) - center) >= far - 1e-9 for deal in deals) / len(deals)


@settings(max_examples=40)
@given(TIED, TIED)
def test_exact_p_value_counts_every_deal_of_the_ranks(control, treatment):
    """With and without ties, the exact p-value is the share of deals at least as extreme."""
    if len({*control, *treatment}) == 1:
        with pytest.raises(DegenerateDataError):
            mann_whitney_exact(control, treatment)
        return
    test = mann_whitney_exact(control, treatment)
    assert test.p_value == pytest.approx(enumerated(control, treatment))


@given(st.permutations(range(17)), st.integers(2, 15))
def test_exact_p_value_without_ties_matches_scipy(order, split):
    """Without ties the counting recursion gives scipy's exact p-values."""
    control, treatment = order[:split], order[split:]
    test = mann_whitney_exact(control, treatment)
    for p, alternative in ((test.p_value, "two-sided"), (test.p_greater, "greater")):
        reference = sps.mannwhitneyu(
            treatment, control, alternative=alternative, method="exact"
        )
        assert p == pytest.approx(reference.pvalue)
        assert test.statistic == reference.statistic


@pytest.mark.parametrize("continuity", [True, False])
@given(
    st.lists(st.integers(0, 9), min_size=3, max_size=30),
    st.lists(st.integers(3, 12), min_size=3),
)
def test_approximation_matches_scipy(continuity, control, treatment):
    """The normal approximation with ties agrees with scipy's, with and without continuity."""
    if len({*control, *treatment}) == 1:
        with pytest.raises(DegenerateDataError):
            mann_whitney_asymptotic(control, treatment)
        return
    test = mann_whitney_asymptotic(control, treatment, continuity=continuity)
    reference = sps.mannwhitneyu(
        treatment, control, method="asymptotic", use_continuity=continuity
    )
    assert test.statistic == reference.statistic
    assert test.p_value == pytest.approx(reference.pvalue, rel=1e-9)


def test_method_is_chosen_by_size_and_ties():
    """Small samples without ties are exact, tied ones are approximate."""
    rng = np.random.default_rng(1)
    smooth, tied = rng.normal(size=20), rng.integers(0, 5, 20).astype(float)
    other = rng.normal(size=25)
    assert mann_whitney(smooth, other) == mann_whitney_exact(smooth, other)
    assert mann_whitney(tied, other) == mann_whitney_asymptotic(tied, other)


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=9, unique=True), st.floats(0.1, 30))
def test_ranks_know_no_unit_and_mirror(values, factor):
    """Monotone changes of the values change nothing; swapping arms swaps the sides."""
    control, treatment = values[::2], values[1::2]
    one = mann_whitney_exact(control, treatment)
    back = mann_whitney_exact(treatment, control)
    assert one.p_greater == back.p_less
    assert one.statistic + back.statistic == len(control) * len(treatment)
    ranks = {value: rank for rank, value in enumerate(sorted(values))}
    again = mann_whitney_exact(
        [factor * ranks[v] for v in control], [factor * ranks[v] for v in treatment]
    )
    assert again == one


@pytest.mark.long
@given(
    st.lists(
        st.integers(-30, 30).filter(bool).map(float), min_size=3, max_size=14, unique_by=abs
    )
)
def test_signed_rank_matches_scipy(differences):
    """Exact signed-rank p-values agree with scipy's."""
    test = wilcoxon_signed_rank(differences)
    reference = sps.wilcoxon(differences, method="exact", alternative="two-sided")
    greater = sps.wilcoxon(differences, method="exact", alternative="greater")
    assert test.p_value == pytest.approx(reference.pvalue)
    assert test.p_greater == pytest.approx(greater.pvalue)
    assert test.statistic == greater.statistic


def test_signed_rank_with_ties_uses_the_approximation():
    """Tied differences get the corrected normal approximation; zeros are dropped."""
    differences = [1.0, 1.0, 2.0, -1.0, 3.0, 3.0, 4.0, -2.0, 5.0, 0.0]
    test = wilcoxon_signed_rank(differences)
    reference = sps.wilcoxon(differences, correction=True, method="asymptotic")
    assert test.p_value == pytest.approx(reference.pvalue, rel=1e-9)
    with pytest.raises(DegenerateDataError):
        wilcoxon_signed_rank([0.0, 0.0])


def test_midranks():
    """Tied values share the mean of their ranks."""
    assert midranks([3.0, 1.0, 3.0, 2.0]) == ([3.5, 1.0, 3.5, 2.0], [1, 1, 2])


@pytest.mark.parametrize("test", [mann_whitney, mann_whitney_exact])
def test_arms_must_have_values(test):
    """An empty arm and NaN raise."""
    with pytest.raises(DegenerateDataError):
        test([], [1.0, 2.0])
    with pytest.raises(DegenerateDataError):
        test([1.0, float("nan")], [1.0, 2.0])
