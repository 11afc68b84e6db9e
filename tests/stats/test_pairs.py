import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as sps
from tests.everyday import some

from meta_experiment.errors import UsageError
from meta_experiment.stats import pairs
from meta_experiment.stats.pairs import pair_rule


@cache
def e_tables(last):
    """Return for m = 1 … last the e-values at all counts, [control, treatment]."""
    guesses = pairs._guesses()
    columns = {
        name: np.array([getattr(guess, name) for guess in guesses])
        for name in (
            "log_weight",
            "lower_success",
            "lower_failure",
            "upper_success",
            "upper_failure",
        )
    }
    tables = []
    for m in range(1, last + 1):
        k = np.arange(m + 1)[:, None]
        lower = k * columns["lower_success"] + (m - k) * columns["lower_failure"]
        upper = k * columns["upper_success"] + (m - k) * columns["upper_failure"]
        tables.append(np.exp(lower) @ np.exp(upper + columns["log_weight"]).T)
    return tables


def crossing(rate_c, rate_t, last, limit=20.0):
    """Return the exact chance to have reached the limit by each m, looking at every pair."""
    alive = np.zeros((last + 1, last + 1))
    alive[0, 0], crossed, chances = 1.0, 0.0, []
    for m, table in enumerate(e_tables(last), 1):
        moved = np.zeros_like(alive)
        for y_c, p_c in ((0, 1 - rate_c), (1, rate_c)):
            for y_t, p_t in ((0, 1 - rate_t), (1, rate_t)):
                moved[y_c:, y_t:] += p_c * p_t * alive[: last + 1 - y_c, : last + 1 - y_t]
        alive = moved
        hit = np.zeros_like(alive, dtype=bool)
        hit[: m + 1, : m + 1] = table >= limit
        crossed += alive[hit].sum()
        alive[hit] = 0.0
        chances.append(crossed)
    return chances


# chance of e ≥ 20 by 10, 20 and 50 pairs, in 10,000 simulated runs of the same rule
SIMULATED = {
    (0.5, 0.5): (0.0054, 0.0094, 0.0129),
    (0.8, 0.8): (0.0012, 0.0028, 0.0062),
    (0.9, 0.9): (0.0002, 0.0004, 0.0012),
    (0.5, 0.8): (0.0839, 0.2365, 0.6559),
    (0.7, 0.9): (0.0217, 0.0781, 0.3703),
    (0.9, 0.98): (0.0002, 0.0009, 0.0226),
    (0.5, 0.95): (0.2660, 0.7024, 0.9961),
}


@pytest.mark.parametrize(("rates", "simulated"), SIMULATED.items())
def test_exact_crossing_rates_agree_with_simulation(rates, simulated):
    """The rule's exact rates lie within simulation noise of those measured beforehand."""
    chances = crossing(*rates, 50)
    for m, seen in zip((10, 20, 50), simulated, strict=True):
        exact = chances[m - 1]
        noise = math.sqrt(exact * (1 - exact) / 10_000) + 1e-4
        assert abs(exact - seen) < 3.1 * noise


@pytest.mark.parametrize("rate", some([0.03, 0.2, 0.5, 0.85, 0.99], 3))
@pytest.mark.parametrize("worse_by", [0.0, 0.02])
def test_error_under_constant_looking_is_below_alpha(rate, worse_by):
    """Arms that are equal, or worse, reach 1/α within 60 pairs with far less than α."""
    assert crossing(rate, rate - worse_by, 60)[-1] <= 0.05


@pytest.mark.parametrize("m", [1, 4, 12])
@pytest.mark.parametrize("rate_c", [0.05, 0.5, 0.9])
@pytest.mark.parametrize("rate_t", some([0.01, 0.05, 0.5, 0.9], 2))
def test_expected_evidence_is_at_most_one_when_treatment_is_no_better(m, rate_c, rate_t):
    """The exact mean of the e-value is at most one for every pair of rates of the null."""
    if rate_t > rate_c:
        rate_c, rate_t = rate_t, rate_c
    mean = math.fsum(
        math.comb(m, c)
        * rate_c**c
        * (1 - rate_c) ** (m - c)
        * math.comb(m, t)
        * rate_t**t
        * (1 - rate_t) ** (m - t)
        * math.exp(pair_rule(c, t, m).log_e_greater)
        for c in range(m + 1)
        for t in range(m + 1)
    )
    assert mean <= 1.0 + 1e-12


def test_guesses_are_a_prior():
    """The weights of the guesses sum to one, and half of them is the uniform prior's."""
    weights = [math.exp(guess.log_weight) for guess in pairs._guesses()]
    assert math.fsum(weights) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize(
    "counts",
    [
        (0, 10, 10),
        (20, 35, 50),
        pytest.param((5, 8, 10), marks=pytest.mark.long),
        pytest.param((90, 98, 100), marks=pytest.mark.long),
    ],
)
def test_grid_gives_what_the_continuous_prior_gives(counts):
    """The prior on the grid gives e-values within a tenth of a per cent of the continuous."""
    control, treatment, m = counts
    nodes, weights = np.polynomial.legendre.leggauss(200)
    z, w_z = 14 * nodes[:, None], 14 * weights[:, None]
    b, w_b = 20 * (nodes + 1), 20 * weights
    rate = {s: 1 / (1 + np.exp(-(z + s * b / 2))) for s in (-1, 1)}
    middle = (rate[-1] + rate[1]) / 2
    logs = (
        sps.binom.logpmf(control, m, rate[-1])
        + sps.binom.logpmf(treatment, m, rate[1])
        - sps.binom.logpmf(control, m, middle)
        - sps.binom.logpmf(treatment, m, middle)
    )
    uniform = 2 * np.prod([rate[s] * (1 - rate[s]) for s in (-1, 1)], axis=0)
    normal = sps.norm.pdf(z, scale=2) * 2 * sps.norm.pdf(b, scale=1.5)
    density = 0.5 * uniform + 0.5 * normal
    exact = math.log((np.exp(logs) * density * w_z * w_b).sum())
    assert pair_rule(*counts).log_e_greater == pytest.approx(exact, abs=1.5e-3)


@pytest.mark.long
@given(st.integers(0, 300), st.data())
def test_directions_mirror_each_other(m, data):
    """Swapping arms, or calling failures successes, swaps the directions."""
    c, t = data.draw(st.integers(0, m)), data.draw(st.integers(0, m))
    one, swapped, failed = pair_rule(c, t, m), pair_rule(t, c, m), pair_rule(m - c, m - t, m)
    assert one.log_e_greater == swapped.log_e_less
    assert one.log_e_greater == pytest.approx(failed.log_e_less, abs=1e-9)


def test_evidence_grows_with_the_difference():
    """More treatment successes never weaken the evidence for the treatment."""
    logs = [pair_rule(12, t, 40).log_e_greater for t in range(12, 41)]
    assert logs == sorted(logs)


def test_nothing_seen_says_nothing():
    """Before the first pair both e-values are one."""
    evidence = pair_rule(0, 0, 0)
    assert evidence.log_e_greater == pytest.approx(0.0, abs=1e-12)
    assert evidence.log_e_less == pytest.approx(0.0, abs=1e-12)


def test_large_counts_stay_finite():
    """A hundred thousand pairs neither overflow nor underflow."""
    evidence = pair_rule(50_000, 51_500, 100_000)
    assert evidence.log_e_greater > 10
    assert math.isfinite(evidence.log_e_less)


@pytest.mark.parametrize("counts", [(11, 3, 10), (-1, 3, 10), (3, 11, 10)])
def test_counts_must_fit(counts):
    """More successes than pairs are refused."""
    with pytest.raises(UsageError):
        pair_rule(*counts)
