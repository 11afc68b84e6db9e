"""Agreement beyond chance, with intervals that hold what they say."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy import stats as scipy_stats

from meta_experiment.stats.agreement import agreement, share_interval


def pairs(yes, first, second, no):
    """Return pairs of which so many are said yes by both, by one alone, and no by both."""
    counts = (
        (True, True, yes),
        (True, False, first),
        (False, True, second),
        (False, False, no),
    )
    return [(one, other) for one, other, times in counts for _ in range(times)]


def test_a_known_table():
    """Sim and Wright 2005 write it out: 22, 2, 4, 11 of 39 come to 0.67."""
    found = agreement(pairs(22, 2, 4, 11))
    assert (found.n, found.agreed) == (39, 33)
    assert found.kappa.value == pytest.approx(0.67, abs=0.005)
    assert found.kappa.low < 0.45
    assert 0.8 < found.kappa.high <= 1


@pytest.mark.parametrize("table", [(12, 0, 0, 0), (0, 0, 0, 5), (8, 3, 0, 0), (0, 0, 2, 6)])
def test_who_always_says_the_same_leaves_no_kappa(table):
    found = agreement(pairs(*table))
    assert found.kappa is None
    assert 0 <= found.low < found.high <= 1


def test_full_agreement_is_no_certainty():
    found = agreement(pairs(5, 0, 0, 5))
    assert (found.share, found.kappa.value, found.high) == (1.0, 1.0, 1.0)
    assert found.low == pytest.approx(0.025**0.1)
    assert 0.3 < found.kappa.low < 0.45


def test_full_contradiction_is_below_chance():
    found = agreement(pairs(0, 5, 5, 0))
    assert (found.share, found.low, found.kappa.value, found.kappa.low) == (0.0, 0.0, -1, -1)
    assert agreement([]) is None


@pytest.mark.parametrize(("successes", "n"), [(0, 7), (3, 7), (7, 7), (40, 200)])
def test_a_share_is_bounded_as_elsewhere(successes, n):
    known = scipy_stats.binomtest(successes, n).proportion_ci(0.9, "exact")
    assert share_interval(successes, n, 0.9) == pytest.approx((known.low, known.high))


@pytest.mark.long
@pytest.mark.parametrize(
    ("n", "yes", "kappa"),
    [
        (8, 0.5, 0.0), (60, 0.8, 0.0), (60, 0.5, 0.4),
        (8, 0.8, 0.4), (8, 0.5, 0.8), (60, 0.8, 0.8),
    ],
)  # fmt: skip
def test_intervals_cover_what_is_true(n, yes, kappa):
    """95% are said; fewer than 91.5% of 300 would be one chance in a hundred.

    Of the three, each two values meet.
    """
    rng, spread = np.random.default_rng(5), yes * (1 - yes)
    one = spread * (1 - kappa)
    chances = [yes**2 + kappa * spread, one, one, (1 - yes) ** 2 + kappa * spread]
    kappas = cache(lambda *counts: agreement(pairs(*counts)).kappa)  # few come in many draws
    found = [kappas(*map(int, rng.multinomial(n, chances))) for _ in range(300)]
    known = [item.low <= kappa <= item.high for item in found if item is not None]
    assert len(known) > 200
    assert np.mean(known) > 0.915
