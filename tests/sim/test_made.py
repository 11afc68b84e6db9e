"""Ratios and quantiles keep the error rate under repeated looks, and find what is there."""

import numpy as np
import pytest
from tests.sim import made


@pytest.mark.parametrize("world", [made.tails, made.prices])
def test_alike_arms_are_rarely_told_apart(world):
    """5% are promised; of 80 experiments more than 9 would be one chance in a hundred."""
    up, down = made.crossings(world, np.random.default_rng(71), experiments=80, last=300)
    assert max(up, down) <= 9 / 80


@pytest.mark.parametrize(("q", "last"), [(0.99, 300), (0.95, 150), (0.05, 150)])
def test_a_tail_that_is_farther_out_waits_until_it_is_told(q, last):
    """From 20 units on a p99 crosses in 39% of experiments, and as often downwards."""
    rng = np.random.default_rng(73)
    up, down = made.crossings(made.tails, rng, experiments=100, last=last, q=q)
    assert max(up, down) <= 11 / 100


def test_what_is_there_is_found():
    rng = np.random.default_rng(72)
    faster, _ = made.crossings(made.tails, rng, experiments=20, last=300, slower=0.6)
    cheaper, _ = made.crossings(made.prices, rng, experiments=20, last=300, better=1.8)
    assert min(faster, cheaper) >= 0.9
