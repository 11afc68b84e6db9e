import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import integrate
from scipy import stats as sps

from meta_experiment.errors import DegenerateDataError, UsageError
from meta_experiment.stats.mixed_prior import log_e_mixed
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.power import anytime_critical_t
from meta_experiment.stats.sequential import (
    anytime,
    anytime_radius,
    anytime_t,
    log_bayes_factor,
    log_e_greater,
    safe_exp,
)
from meta_experiment.stats.ttest import paired_contrast, student_contrast, welch_contrast

ARM = st.lists(st.floats(-1e3, 1e3).map(lambda x: round(x, 2)), min_size=2, max_size=12)


def numeric_log_e(t, df, n_effective, prior_sd, low, high):
    """Average the noncentral t likelihood ratio over a (half-)normal prior, by quadrature."""
    scale = 1.0 if low == -math.inf else 2.0

    def integrand(effect):
        ratio = sps.nct.pdf(t, df, effect * math.sqrt(n_effective)) / sps.t.pdf(t, df)
        return scale * sps.norm.pdf(effect, scale=prior_sd) * ratio

    low, high = max(low, -8 * prior_sd), min(high, 8 * prior_sd)
    return math.log(integrate.quad(integrand, low, high, limit=400, epsabs=0)[0])


@pytest.mark.parametrize(
    ("t", "df", "n", "sd"), [(2.4, 18, 5, 0.7), (-1.1, 58, 15, 0.5), (3.0, 12, 3.4, 1.0)]
)
def test_e_values_are_the_mixtures_they_claim_to_be(t, df, n, sd):
    """The closed forms equal the numerically averaged likelihood ratios."""
    greater = numeric_log_e(t, df, n, sd, 0.0, math.inf)
    less = numeric_log_e(t, df, n, sd, -math.inf, 0.0) + math.log(2.0)
    both = numeric_log_e(t, df, n, sd, -math.inf, math.inf)
    assert log_e_greater(t, df, n, sd) == pytest.approx(greater, abs=1e-7)
    assert log_e_greater(-t, df, n, sd) == pytest.approx(less, abs=1e-7)
    assert log_bayes_factor(t, df, n, sd) == pytest.approx(both, abs=1e-7)


@given(st.floats(-40, 40), st.floats(1, 1e4), st.floats(0.6, 1e4))
def test_two_sided_evidence_is_the_mean_of_the_one_sided(t, df, n):
    """The normal prior is the even mixture of its two halves, so the e-values average."""
    one = np.logaddexp(log_e_greater(t, df, n), log_e_greater(-t, df, n)) - math.log(2.0)
    assert log_bayes_factor(t, df, n) == pytest.approx(one, rel=1e-11, abs=1e-11)


@pytest.mark.parametrize("pooled", [True, False])
@given(control=ARM, treatment=ARM, factor=st.sampled_from([0.5, 1e3]))
def test_symmetry_and_units(pooled, control, treatment, factor):
    """Swapping the arms swaps the directions; the unit of measurement does not matter."""
    assume(len({*control}) > 1 and len({*treatment}) > 1)
    c, t = Moments.of(control), Moments.of(treatment)
    one = anytime_t(c, t, pooled=pooled)
    swapped = anytime_t(t, c, pooled=pooled)
    scaled = anytime_t(c.scaled(factor), t.scaled(factor), pooled=pooled)
    assert one.log_e_greater == pytest.approx(swapped.log_e_less)
    assert one.log_e_greater == pytest.approx(scaled.log_e_greater, abs=1e-9)
    assert one.p_value == pytest.approx(scaled.p_value, abs=1e-9)
    assert (one.low is None) == (swapped.high is None)


@given(st.integers(3, 60), st.floats(0.01, 0.3), st.floats(-4, 4))
def test_interval_holds_the_nulls_that_are_not_rejected(n, alpha, null):
    """A difference lies in the always-valid interval while its e-value is below 1/α."""
    rng = np.random.default_rng(n)
    control, treatment = Moments.of(rng.normal(0, 1, n)), Moments.of(rng.normal(0.5, 2, n))
    evidence = anytime_t(control, treatment, null=null, alpha=alpha)
    rejected = evidence.log_e_two_sided >= -math.log(alpha)
    inside = evidence.low is None or evidence.low < null < evidence.high
    assert inside != rejected
    assert (evidence.p_value <= alpha) == rejected


def test_two_units_an_arm_bound_nothing():
    """With two units per arm the interval is infinite and says so by None."""
    evidence = anytime_t(Moments.of([1.0, 2.0]), Moments.of([8.0, 9.5]), pooled=True)
    assert evidence.low is None
    assert evidence.high is None
    contrast = student_contrast(Moments.of([1.0, 2.0]), Moments.of([8.0, 9.5]))
    assert anytime_radius(contrast) is None


def test_evidence_beyond_the_largest_float():
    """Overwhelming evidence stays finite as a log and is infinite as a number."""
    control = Moments.from_summary(5000, 0.0, 1.0)
    evidence = anytime_t(control, Moments.from_summary(5000, 9.0, 1.0))
    assert evidence.log_e_greater > 710
    assert safe_exp(evidence.log_e_greater) == math.inf == safe_exp(evidence.log_e_two_sided)
    assert 0.0 < safe_exp(evidence.log_e_less) < 0.01
    assert safe_exp(1.0) == math.e


def test_pairs_are_weighed_by_their_differences():
    """The paired form is the one-sample rule with n pairs and n - 1 degrees of freedom."""
    differences = Moments.of([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4])
    evidence = anytime(paired_contrast(differences))
    t = differences.mean / differences.standard_error
    assert evidence.log_e_greater == pytest.approx(log_e_greater(t, 9, 10))
    assert evidence.log_e_greater > math.log(20) > evidence.log_e_less
    assert evidence.low < 0.0 < evidence.difference < evidence.high


@pytest.mark.parametrize(("effect", "least", "most"), [(0.0, 0.015, 0.045), (0.5, 0.96, 1.0)])
def test_error_rate_under_a_look_after_every_pair(effect, least, most):
    """Looking after every pair up to 200, useless arms are promoted in under 5% of runs."""
    rng = np.random.default_rng(20_240_601)
    runs, last = 4000, 200
    control = rng.normal(0.0, 1.0, (runs, last))
    treatment = rng.normal(effect, 1.0, (runs, last))
    n = np.arange(1, last + 1)
    spread = sum(
        np.cumsum(x * x, axis=1) - np.cumsum(x, axis=1) ** 2 / n for x in (control, treatment)
    )
    gap = (np.cumsum(treatment, axis=1) - np.cumsum(control, axis=1)) / n
    looks = n[1:]
    t = gap[:, 1:] / np.sqrt(spread[:, 1:] / (2 * looks - 2) * 2 / looks)
    critical = np.array([anytime_critical_t(float(k)) for k in looks])
    promoted = (t >= critical).any(axis=1).mean()
    assert least <= promoted <= most


def test_critical_values_are_those_of_the_evidence():
    """A t just above the critical one has e ≥ 20, one just below has not."""
    assert anytime_critical_t(2) == math.inf
    for n in (5, 7, 50, 1000):
        critical = anytime_critical_t(n)
        above = log_e_mixed(critical * (1 + 1e-9), 2 * n - 2, n / 2)
        below = log_e_mixed(critical * (1 - 1e-9), 2 * n - 2, n / 2)
        assert below < math.log(20) < above


def test_degenerate_arms_carry_no_evidence():
    """Constant arms raise; they never get an e-value."""
    with pytest.raises(DegenerateDataError):
        anytime_t(Moments.of([2.0] * 5), Moments.of([3.0] * 5))
    with pytest.raises(DegenerateDataError):
        anytime_t(Moments.of([2.0]), Moments.of([3.0, 4.0]))


def test_senseless_settings_are_refused():
    """An alpha of 5 or a negative prior raises."""
    arms = Moments.of([1.0, 2.0, 4.0]), Moments.of([2.0, 3.0, 3.5])
    with pytest.raises(UsageError, match="alpha"):
        anytime_t(*arms, alpha=5)
    with pytest.raises(UsageError, match="prior_sd"):
        anytime_t(*arms, prior_sd=-0.7)


def test_welch_form_needs_no_equal_variances():
    """With a small noisy arm against a large quiet one, the Welch form claims less."""
    control, treatment = (
        Moments.from_summary(900, 0.0, 1.0),
        Moments.from_summary(100, 0.9, 3.0),
    )
    pooled = anytime_t(control, treatment, pooled=True)
    welch = anytime_t(control, treatment)
    assert welch.log_e_greater < pooled.log_e_greater
    assert welch.df == welch_contrast(control, treatment).df
