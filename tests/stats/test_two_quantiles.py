"""Two quantiles told apart by counts: exact under any distribution, and dual to the bounds."""

import itertools
import math

import numpy as np
import pytest
import scipy.stats as sps
from hypothesis import given
from hypothesis import strategies as st

from meta_experiment.stats.quantile import sample_quantile
from meta_experiment.stats.two_quantiles import (
    ALWAYS,
    ALWAYS_DEPENDENT,
    ONCE,
    ONCE_DEPENDENT,
    bounds_of_greater,
    bounds_of_less,
    fewest_units,
    log_e_values,
    log_evidence,
    minus_log_p_values,
)

WEIGHINGS = (ALWAYS, ALWAYS_DEPENDENT, ONCE, ONCE_DEPENDENT)
QS = (0.1, 0.5, 0.9)
BAR = math.log(20.0)
few_values = st.lists(st.integers(0, 6), min_size=1, max_size=25).map(sorted)


def everywhere(control, treatment, q, weighing):
    """Return the least evidence for less over cuts at values, between and beyond them."""
    values = sorted({*control, *treatment})
    cuts = [values[0] - 1, *values, *(value + 0.5 for value in values)]
    found = []
    for cut in cuts:
        above, below = sum(c > cut for c in control), sum(t < cut for t in treatment)
        beyond = len(control) - above, len(treatment) - below
        found.append(
            weighing.joined(
                weighing.strengths(len(control), 1 - q)[beyond[0]],
                weighing.strengths(len(treatment), q)[beyond[1]],
            )
        )
    return min(found)


@given(st.sampled_from(WEIGHINGS), few_values, few_values, st.sampled_from(QS))
def test_the_least_of_all_cuts_is_found(weighing, control, treatment, q):
    greater, less = log_evidence(control, treatment, q, weighing)
    assert less == pytest.approx(everywhere(control, treatment, q, weighing))
    turned = [[-value for value in arm] for arm in (control, treatment)]
    assert greater == pytest.approx(everywhere(*turned, 1 - q, weighing))


@given(
    st.sampled_from(WEIGHINGS), few_values, few_values, st.sampled_from(QS), st.integers(-7, 7)
)
def test_bounds_are_where_the_evidence_convinces(weighing, control, treatment, q, shift):
    """A shift of the control is ruled out exactly when every pair says so."""
    moved = [value + shift for value in control]
    greater, less = log_evidence(moved, treatment, q, weighing)
    pairs = bounds_of_less(control, treatment, q, weighing, 0.7)
    assert (less >= 0.7) == (pairs is not None and all(b < a + shift for a, b in pairs))
    pairs = bounds_of_greater(control, treatment, q, weighing, 0.7)
    assert (greater >= 0.7) == (pairs is not None and all(b > a + shift for a, b in pairs))


def samples(chances, n):
    """Yield every sample of n values 0, 1, 2, … in rising order, with its chance."""
    for counts in itertools.product(range(n + 1), repeat=len(chances)):
        if sum(counts) == n:
            chance = sps.multinomial.pmf(counts, n, chances)
            yield [value for value, times in enumerate(counts) for _ in range(times)], chance


@pytest.mark.parametrize("chances", [(0.5, 0.1, 0.4), (0.05, 0.9, 0.05), (0.5, 0.0, 0.5)])
@pytest.mark.parametrize("q", [0.5, 0.9])
def test_alike_arms_are_told_apart_no_more_often_than_promised(chances, q):
    """Exactly: the mean e-value is at most one, a p-value as small as α as rare as α."""
    one, other = list(samples(chances, 7)), list(samples(chances, 9))
    for side in (0, 1):
        mean, tails = 0.0, dict.fromkeys((0.05, 0.2, 0.5), 0.0)
        for (control, chance), (treatment, more) in itertools.product(one, other):
            mean += chance * more * math.exp(log_evidence(control, treatment, q, ALWAYS)[side])
            p = math.exp(-log_evidence(control, treatment, q, ONCE)[side])
            for alpha in tails:
                tails[alpha] += chance * more * (p <= alpha)
        assert mean <= 1 + 1e-12
        assert all(share <= alpha + 1e-12 for alpha, share in tails.items())


@pytest.mark.parametrize("q", [0.5, 0.9])
def test_arms_that_go_together_are_told_apart_no_more_often_either(q):
    """The treatment is turned round: where the control is high it is low, case by case."""
    mean, tail = 0.0, 0.0
    for control, chance in samples((0.3, 0.4, 0.3), 12):
        treatment = sorted(2 - value for value in control)
        mean += chance * math.exp(log_evidence(control, treatment, q, ALWAYS_DEPENDENT)[1])
        p = math.exp(-log_evidence(control, treatment, q, ONCE_DEPENDENT)[1])
        tail += chance * (p <= 0.2)
    assert mean <= 1 + 1e-12
    assert tail <= 0.2


def test_a_coin_is_weighed_exactly():
    """The mean e-value at q is one, below it less; the p-values are those of the binomial."""
    for chance, most in ((0.9, 1.0), (0.8, 0.5)):
        failures = sps.binom.pmf(range(41), 40, 1 - chance)
        mean = float(np.dot(failures, np.exp(log_e_values(40, 0.9))))
        assert mean == pytest.approx(1.0) if chance == 0.9 else mean < most
    tails = sps.binom.cdf(range(301), 300, 0.1)
    assert np.exp(-np.array(minus_log_p_values(300, 0.9))) == pytest.approx(tails, rel=1e-10)


@pytest.mark.parametrize("q", [0.5, 0.9])
def test_two_coins_are_weighed_together_as_they_are_thrown(q):
    """At q in both, thrown apart: a mean of one, and p-values not below the uniform ones."""
    chances = [sps.binom.pmf(range(n + 1), n, rate) for n, rate in ((30, q), (40, 1 - q))]
    thrown = np.outer(*chances)

    def together(weighing):
        one, other = weighing.strengths(30, 1 - q), weighing.strengths(40, q)
        return np.array([[weighing.joined(a, b) for b in other] for a in one])

    for weighing in (ALWAYS, ALWAYS_DEPENDENT):
        assert (thrown * np.exp(together(weighing))).sum() == pytest.approx(1.0)
    for weighing, least in ((ONCE, 0.25), (ONCE_DEPENDENT, 0.1)):
        for alpha in (0.01, 0.05, 0.2):
            below = thrown[together(weighing) >= -math.log(alpha)].sum()
            assert least * alpha < below <= alpha


def test_coins_that_land_alike_are_bounded():
    """The second shows what the first did: no evidence beyond what each may have."""
    q, n = 0.5, 30
    chance = sps.binom.pmf(range(n + 1), n, q)
    for weighing in (ALWAYS_DEPENDENT, ONCE_DEPENDENT):
        alone = weighing.strengths(n, q)
        together = np.array([weighing.joined(one, one) for one in alone])
        if weighing is ALWAYS_DEPENDENT:
            assert (chance * np.exp(together)).sum() <= 1 + 1e-12
        else:
            assert all(chance[together >= -math.log(a)].sum() <= a for a in (0.01, 0.05, 0.2))


@pytest.mark.parametrize("weighing", WEIGHINGS)
@pytest.mark.parametrize("q", QS)
def test_fewer_units_could_never_convince(weighing, q):
    n = fewest_units(q, weighing)
    assert fewest_units(q, weighing) == fewest_units(1 - q, weighing)
    for units, told in ((n, True), (n - 1, False)):
        greater, less = log_evidence(
            list(range(1000, 1000 + units)), list(range(units)), q, weighing
        )
        assert (less >= BAR, greater >= BAR) == (told, False)


def test_what_is_there_is_found_and_bounded():
    """Three in ten less at the upper end, of values that come in ties: by some 200 units."""
    rng = np.random.default_rng(5)
    slow = np.ceil(np.exp(rng.normal(3, 0.5, 400))).tolist()
    fast = np.ceil(0.7 * np.exp(rng.normal(3, 0.5, 400))).tolist()
    found = log_evidence(sorted(slow), sorted(fast), 0.9, ALWAYS)
    assert found[1] > BAR > found[0]
    seen = sample_quantile(fast, 0.9) - sample_quantile(slow, 0.9)
    less = bounds_of_less(sorted(slow), sorted(fast), 0.9, ALWAYS, BAR)
    greater = bounds_of_greater(sorted(slow), sorted(fast), 0.9, ALWAYS, BAR)
    assert min(b - a for a, b in greater) < seen < max(b - a for a, b in less) < 0
