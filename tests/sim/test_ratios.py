"""Ratios keep the error rate under repeated looks, and find what is there."""

import numpy as np
import pytest
from tests.sim import ratios


@pytest.mark.long
def test_alike_arms_are_rarely_told_apart():
    """5% are promised; of 80 experiments more than 9 would be one chance in a hundred."""
    up, down = ratios.crossings(np.random.default_rng(71), experiments=80, last=300)
    assert max(up, down) <= 9 / 80


def test_what_is_there_is_found():
    cheaper, _ = ratios.crossings(
        np.random.default_rng(72), experiments=20, last=300, better=1.8
    )
    assert cheaper >= 0.9
