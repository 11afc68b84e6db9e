import math

import mpmath as mp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.everyday import some

from meta_experiment.stats.mixed_prior import EFFECTS, log_e_mixed, log_e_parts
from meta_experiment.stats.sequential import log_e_greater

STATISTICS = st.floats(-60, 60)
DFS = st.floats(math.log(0.5), math.log(1e5)).map(math.exp)
SIZES = st.floats(math.log(0.5), math.log(1e5)).map(math.exp)


def exact_grid(t, df, n, digits):
    """Return the log e-value under the grid, the expectation by confluent hypergeometrics."""
    with mp.workdps(digits):
        t, df, n, half = mp.mpf(t), mp.mpf(df), mp.mpf(n), mp.mpf("0.5")
        nu, w = df + 1, t / mp.sqrt(df + t * t)
        ratio = (4 / mp.mpf("0.06")) ** (mp.mpf(1) / 14)
        effects = [mp.mpf("0.06") * ratio**k for k in range(15)]
        weights = [mp.exp(-((mp.log(2 * d) * 2) ** 2) / 2) for d in effects]
        odd = mp.sqrt(2) * mp.gamma((nu + 1) / 2) / mp.gamma(nu / 2)
        total = mp.mpf(0)
        for effect, weight in zip(effects, weights, strict=True):
            shift = effect * mp.sqrt(n)
            x = shift * w
            mean = mp.hyp1f1(nu / 2, half, x * x / 2)
            mean += odd * x * mp.hyp1f1((nu + 1) / 2, 3 * half, x * x / 2)
            total += weight * mp.exp(-shift * shift / 2) * mean
        return float(mp.log(total / mp.fsum(weights)))


@pytest.mark.parametrize(
    "df",
    [0.5, 1, 3.3, 18, 98, *(pytest.param(df, marks=pytest.mark.long) for df in (1e3, 1e5))],
)
@pytest.mark.parametrize("t", some([-8.0, -2.5, 0.0, 0.7, 2.9, 9.0], 3))
@pytest.mark.parametrize("share", [0.25, 0.05, 2.0])
def test_the_evidence_of_the_grid_has_nine_digits(df, t, share):
    """The trapezoid against hypergeometric functions with hundreds of digits."""
    n = 0.5 + share * df
    found = log_e_parts(t, df, n)[1]
    digits = 60 + int(16 * n / math.log(10) * min(1.0, t * t / (df + t * t)))
    assert found == pytest.approx(exact_grid(t, df, n, digits), rel=1e-9, abs=1e-9)


@given(STATISTICS, DFS, SIZES)
def test_the_half_normal_part_is_that_of_the_closed_form(t, df, n):
    """Over the same nodes, where they are used, as by Student's distribution."""
    expected = log_e_greater(t, df, n)
    assert log_e_parts(t, df, n)[0] == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(STATISTICS, STATISTICS, DFS, SIZES)
def test_the_evidence_rises_with_the_statistic(t, other, df, n):
    """A larger t is never less evidence that the effect is above the null."""
    low, high = sorted((t, other))
    weaker, stronger = log_e_mixed(low, df, n), log_e_mixed(high, df, n)
    assert weaker <= stronger + 1e-10 * max(1.0, abs(stronger))


@given(STATISTICS, DFS, SIZES)
def test_the_mixture_lies_between_its_parts(t, df, n):
    """It is three quarters of the grid's e-value and a quarter of the half-normal's."""
    parts = log_e_parts(t, df, n)
    found = log_e_mixed(t, df, n)
    assert min(parts) - 1e-12 <= found <= max(parts) + 1e-12
    if max(map(abs, parts)) < 500:
        mean = 0.25 * math.exp(parts[0]) + 0.75 * math.exp(parts[1])
        assert math.exp(found) == pytest.approx(mean, rel=1e-9)


@pytest.mark.parametrize("df", [0.5, 38.0, 1e5])
def test_no_statistic_is_too_large(df):
    """Evidence has a limit as t grows, which is reached without an overflow."""
    for sign in (-1, 1):
        far = [log_e_mixed(sign * t, df, 10.0) for t in (1e12, 1e200, math.inf)]
        assert far == pytest.approx([far[0]] * 3, rel=1e-6)
        assert all(map(math.isfinite, far))


def test_the_grid_is_what_it_says():
    """Fifteen effects from 0.06 to 4, whose weights sum to one and peak near 0.5."""
    effects = [effect for effect, _ in EFFECTS]
    assert (effects[0], effects[-1]) == pytest.approx((0.06, 4.0))
    assert math.fsum(math.exp(log) for _, log in EFFECTS) == pytest.approx(1.0)
    assert max(EFFECTS, key=lambda item: item[1])[0] == pytest.approx(0.5, rel=0.05)
