import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate
from scipy import stats as sps
from tests.reference.lift import lift_delta
from tests.reference.p_values import (
    benjamini_hochberg,
    benjamini_yekutieli,
    bonferroni,
    hochberg,
)

from meta_experiment.errors import DegenerateDataError, UsageError
from meta_experiment.stats.bayes import beta_binomial
from meta_experiment.stats.lift_posterior import NormalPrior, normal_lift
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.multiplicity import closed_average, holm

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=8)
LOG_ES = st.lists(st.floats(-30, 30), min_size=1, max_size=6)


@given(P_VALUES)
def test_adjusted_p_values_keep_order_and_rank_as_theory_says(p_values):
    """No adjustment makes a p-value smaller or changes their order; Holm beats Bonferroni."""
    for adjust in (bonferroni, holm, hochberg, benjamini_hochberg, benjamini_yekutieli):
        adjusted = adjust(p_values)
        for one, other in itertools.pairwise(sorted(zip(p_values, adjusted, strict=True))):
            assert one[1] <= other[1] + 1e-15
        assert all(p <= a <= 1.0 for p, a in zip(p_values, adjusted, strict=True))
    strict, step, up = bonferroni(p_values), holm(p_values), hochberg(p_values)
    assert all(u <= h + 1e-15 <= b + 2e-15 for u, h, b in zip(up, step, strict, strict=True))


@given(P_VALUES)
def test_false_discovery_matches_scipy(p_values):
    """Benjamini-Hochberg and Benjamini-Yekutieli agree with scipy's."""
    assert benjamini_hochberg(p_values) == pytest.approx(
        sps.false_discovery_control(p_values, method="bh")
    )
    assert benjamini_yekutieli(p_values) == pytest.approx(
        sps.false_discovery_control(p_values, method="by")
    )


def test_p_values_must_be_probabilities():
    """A p-value above one or NaN raises."""
    with pytest.raises(UsageError):
        holm([0.2, 1.2])
    with pytest.raises(UsageError):
        hochberg([math.nan])


@given(LOG_ES)
def test_closed_average_is_the_worst_mean_over_all_sets(log_es):
    """The shortcut equals going through every set of comparisons that holds the one."""
    for index, adjusted in enumerate(closed_average(log_es)):
        others = [e for k, e in enumerate(log_es) if k != index]
        worst = min(
            math.fsum(math.exp(e) for e in (log_es[index], *joined)) / (len(joined) + 1)
            for size in range(len(others) + 1)
            for joined in itertools.combinations(others, size)
        )
        assert adjusted == pytest.approx(math.log(worst), abs=1e-9)


def test_closed_average_of_extremes():
    """One comparison stays as it is; infinite evidence and none at all are handled."""
    assert closed_average([2.5]) == [2.5]
    assert closed_average([]) == []
    strong, none = closed_average([math.inf, -math.inf])
    assert strong == math.inf
    assert none == -math.inf
    with pytest.raises(UsageError):
        closed_average([math.nan])


def quad_beta(a, b, c, d):
    """Return P(Y > X) and E max(X - Y, 0) for X ~ Beta(a, b), Y ~ Beta(c, d)."""
    x, y = sps.beta(a, b), sps.beta(c, d)
    chance = integrate.quad(lambda p: x.pdf(p) * y.sf(p), 0, 1, limit=200)[0]
    loss = integrate.quad(lambda p: y.cdf(p) * x.sf(p), 0, 1, limit=200)[0]
    return chance, loss


@pytest.mark.parametrize(
    "counts", [(45, 120, 66, 118), (0, 10, 0, 10), (3, 5, 200, 300), (9, 10, 1, 10)]
)
def test_beta_binomial_matches_quadrature(counts):
    """Chance and loss agree with adaptive quadrature over the rates."""
    x_c, n_c, x_t, n_t = counts
    found = beta_binomial(*counts)
    chance, loss = quad_beta(x_c + 1, n_c - x_c + 1, x_t + 1, n_t - x_t + 1)
    assert found.chance_better == pytest.approx(chance, rel=1e-7)
    assert found.loss_treatment == pytest.approx(loss, rel=1e-7, abs=1e-12)
    back = beta_binomial(x_t, n_t, x_c, n_c)
    assert back.chance_better == pytest.approx(1 - found.chance_better, abs=1e-9)
    assert back.loss_treatment == pytest.approx(found.loss_control, rel=1e-9)
    gain = (x_t + 1) / (n_t + 2) - (x_c + 1) / (n_c + 2)
    assert found.loss_control - found.loss_treatment == pytest.approx(gain, abs=1e-9)


def test_beta_binomial_of_large_arms():
    """A million trials an arm take no longer and keep small chances exact."""
    found = beta_binomial(500_000, 1_000_000, 503_000, 1_000_000)
    z = 3000 / math.sqrt(500_000)
    assert 1 - found.chance_better == pytest.approx(sps.norm.sf(z), rel=0.02)
    with pytest.raises(UsageError):
        beta_binomial(3, 2, 1, 2)


@settings(max_examples=30)
@given(st.floats(0.5, 2.0), st.floats(0.5, 5), st.floats(-0.3, 0.3))
def test_normal_lift_risks_balance(ratio, sd, prior_mean):
    """Expected gain minus expected loss is the posterior mean; with no prior it is the lift."""
    control, treatment = (
        Moments.from_summary(20, 10.0, sd),
        Moments.from_summary(25, 10 * ratio, sd),
    )
    for prior in (None, NormalPrior(prior_mean, 0.09)):
        found = normal_lift(control, treatment, prior=prior)
        assert found.risk_control - found.risk_treatment == pytest.approx(found.mean)
        assert found.low < found.mean < found.high
        assert found.chance_better == pytest.approx(sps.norm.cdf(found.mean / found.sd))
    flat = normal_lift(control, treatment)
    assert flat.mean == pytest.approx(lift_delta(control, treatment).estimate)


def test_a_sharp_prior_wins():
    """A prior of almost no variance decides whatever the data say."""
    control, treatment = Moments.from_summary(9, 10.0, 3.0), Moments.from_summary(9, 14.0, 3.0)
    found = normal_lift(control, treatment, prior=NormalPrior(0.0, 1e-8))
    assert found.mean == pytest.approx(0.0, abs=1e-4)
    with pytest.raises(UsageError):
        normal_lift(control, treatment, prior=NormalPrior(0.0, 0.0))


def test_degenerate_arms_have_no_posterior():
    """Constant arms raise instead of giving certainty."""
    with pytest.raises(DegenerateDataError):
        normal_lift(Moments.of([1.0, 1.0]), Moments.of([2.0, 2.0]))
    assert np.isfinite(beta_binomial(0, 5, 5, 5).chance_better)
