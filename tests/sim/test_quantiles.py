"""Quantiles keep the error rate under repeated looks, and find what is there."""

from functools import partial

import numpy as np
import pytest
from tests.everyday import some
from tests.sim import quantiles

from meta_experiment.stats.two_quantiles import ALWAYS, log_evidence


@pytest.mark.parametrize("name", some(quantiles.WORLDS, 3))
def test_the_twin_says_what_the_program_says(name):
    world, q, weighing = quantiles.WORLDS[name]
    arms = world(np.random.default_rng(80), 90)
    paths = quantiles.path(*arms, q, weighing, (20, 55, 90))
    for n, sides in zip((20, 55, 90), paths.T, strict=True):
        seen = [sorted(arm[:n].tolist()) for arm in arms]
        assert sides == pytest.approx(log_evidence(*seen, q, weighing))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if number % 4 == 0 else pytest.mark.long)
        for number, name in enumerate(quantiles.WORLDS)
    ],
)
def test_alike_arms_are_rarely_told_apart(name):
    """5% are promised; of 50 experiments more than 7 would be one chance in a hundred."""
    shown = quantiles.crossings(
        *quantiles.WORLDS[name], np.random.default_rng(81), experiments=50, last=150
    )
    assert max((shown > 0).sum(axis=0)) <= 7


def test_what_is_there_is_found():
    """A p90 that is 40% less: most know it by 200 pairs."""
    world = partial(quantiles.log_normal, ratio=0.6)
    shown = quantiles.crossings(
        world, 0.9, ALWAYS, np.random.default_rng(82), experiments=20, last=200
    )
    assert (shown[:, 1] > 0).mean() >= 0.8
    assert not shown[:, 0].any()
