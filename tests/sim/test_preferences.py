"""Preferences keep the error rate at every look, and find what is preferred."""

import numpy as np
import pytest
from tests.everyday import some
from tests.sim import preferences


def test_the_twin_is_the_rule():
    rng = np.random.default_rng(1)
    (row,) = preferences.verdicts(rng, (1, 30), repeats=3)
    assert preferences.log_e(row[None])[0] == pytest.approx(preferences.by_the_program(row))


@pytest.mark.parametrize("world", some(preferences.WORLDS, 2))
@pytest.mark.parametrize("mirrored", [False, True])
def test_equal_texts_are_rarely_told_apart(world, mirrored):
    """5% are promised, from the first case on; more than 7.5% of 400 is 1 chance in 100."""
    rng = np.random.default_rng(2)
    values = preferences.verdicts(rng, (400, 150), **preferences.WORLDS[world])
    shown = preferences.first_shown(1 - values if mirrored else values, fewest=1) > 0
    assert 0 < shown.mean() <= 0.075


def test_what_is_preferred_is_found():
    rng = np.random.default_rng(3)
    values = preferences.verdicts(rng, (200, 60), ties=0.2, wins=0.8)
    assert (preferences.first_shown(values) > 0).mean() > 0.9
