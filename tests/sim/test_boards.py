"""Boards of many experiments keep what the board says of them, in a small form."""

import math

import pytest
from tests.sim.boards import BoardWorld, simulate

SMALL = {"experiments": 40, "units": 120}


def most(expected, boards):
    """Return the largest mean of counts that an expected one shows once in a thousand."""
    return expected + 3.1 * math.sqrt(expected / boards)


@pytest.mark.parametrize("sharing", ["", pytest.param("units", marks=pytest.mark.long)])
def test_no_more_useless_ones_are_promoted_than_the_board_says(sharing):
    found = simulate(BoardWorld(0.0, sharing=sharing, **SMALL), 40, seed=61)
    assert found.false(found.promoted) <= most(40 * 0.05, 40)


def test_that_can_fail():
    found = simulate(BoardWorld(0.0, alpha=0.5, **SMALL), 40, seed=61)
    assert found.false(found.promoted) > most(40 * 0.05, 40)


@pytest.mark.parametrize("sharing", ["", pytest.param("control", marks=pytest.mark.long)])
def test_of_what_stands_few_are_useless_and_with_holdouts_most_useful_ones_stand(sharing):
    found = simulate(BoardWorld(0.2, 1.0, sharing=sharing, **SMALL), 40, seed=62)
    now, later = found.standing(), found.standing(held=True)
    assert max(found.false_rate(now), found.false_rate(later)) <= 0.05
    assert found.found(later) > 0.8 > found.found(now)
    every = found.false_rate(found.promoted)
    assert every > 3 * found.false_rate(later)
