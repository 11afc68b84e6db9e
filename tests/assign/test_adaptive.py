"""The shares of a bandit: above the floor, by the chance to be the best, exact in sum."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from meta_experiment.assign import adaptive

CHANCES = st.lists(st.floats(1e-6, 1.0), min_size=2, max_size=8)


@given(CHANCES, st.floats(0.0, 1.0), st.booleans())
@example([1.0, 1e-6], 0.0, True)
def test_shares_sum_to_one_and_none_is_below_the_floor(chances, of_most, finds_best):
    floor = of_most / len(chances)
    draw = adaptive.top_two if finds_best else adaptive.thompson
    shares = draw(chances, floor)
    assert sum(shares) == pytest.approx(1.0)
    assert min(shares) >= floor - 1e-12
    best = chances.index(max(chances))
    assert shares[best] >= max(shares) - 1e-12


@given(CHANCES, st.floats(0.0, 1.0), st.booleans())
def test_parts_in_force_are_whole_and_all(chances, of_most, finds_best):
    floor = of_most / len(chances)
    parts = adaptive.parts_in_force(chances, floor, finds_best=finds_best)
    assert sum(parts) == adaptive.PARTS
    assert min(parts) >= floor * adaptive.PARTS - 1


def test_two_arms_move_whatever_the_aim():
    """Top-two draws of two arms are a coin: by them a two-armed bandit would never move."""
    assert adaptive.top_two([0.99, 0.01]) == pytest.approx([0.5, 0.5])
    for finds_best in (True, False):
        parts = adaptive.parts_in_force([0.99, 0.01], 0.1, finds_best=finds_best)
        assert parts == [8920, 1080]


def test_three_arms_are_drawn_by_the_aim():
    thompson = adaptive.parts_in_force([0.6, 0.3, 0.1], 0.05, finds_best=False)
    top_two = adaptive.parts_in_force([0.6, 0.3, 0.1], 0.05, finds_best=True)
    assert thompson == [5600, 3050, 1350]
    assert top_two == [4426, 3829, 1745]


def test_what_is_certainly_the_best_leaves_the_second_place_to_all_others():
    assert adaptive.top_two([0.0, 1.0, 0.0]) == pytest.approx([0.25, 0.5, 0.25])


def test_an_arm_that_cannot_be_scored_is_drawn_by_force():
    """One of no values, or of none that vary, has no chance; the others share the rest."""
    parts = adaptive.parts_in_force([0.9, None, 0.1], 0.05, finds_best=False)
    assert parts[1] == 3333
    assert parts[0] > 5000
    assert parts[2] >= 500
    assert adaptive.parts_in_force([None, None], 0.1, finds_best=False) == [5000, 5000]


def test_an_arm_that_ended_has_no_part():
    assert adaptive.with_ended([7000, 3000], [True, False, True]) == [7000, 0, 3000]


@pytest.mark.parametrize(("arms", "floor"), [(2, 0.1), (3, 0.05), (4, 0.05), (8, 0.02)])
def test_the_usual_floor_leaves_most_to_move(arms, floor):
    assert adaptive.default_floor(arms) == floor


def test_many_arms_have_no_floor_that_binds_them_all():
    assert 101 * adaptive.default_floor(101) <= 0.5
