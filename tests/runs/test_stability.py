"""Figures of repeats: each against all the ways of drawing that it stands for."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_experiment.runs import stability


@given(st.lists(st.booleans(), min_size=1, max_size=6), st.integers(1, 6))
def test_tries_are_drawn_from_the_repeats_without_putting_back(runs, tries):
    """What is reported is the share of all choices of so many repeats."""
    draws = list(combinations(runs, tries))
    one, every = stability.pass_at(tries, [runs]), stability.pass_all(tries, [runs])
    if not draws:
        assert (one, every) == (None, None)
    else:
        assert one == pytest.approx(sum(map(any, draws)) / len(draws))
        assert every == pytest.approx(sum(map(all, draws)) / len(draws))


def test_each_case_counts_alike_and_those_with_too_few_repeats_not_at_all():
    outcomes = [[True, True], [True, False, False, False], [False]]
    assert stability.pass_at(2, outcomes) == pytest.approx((1 + 1 / 2) / 2)
    assert stability.pass_all(2, outcomes) == pytest.approx(1 / 2)
    assert stability.pass_at(1, outcomes) == pytest.approx((1 + 1 / 4 + 0) / 3)
    with pytest.raises(ValueError, match="expected at least one"):
        stability.pass_at(0, outcomes)


def test_a_case_flips_where_its_repeats_disagree():
    assert stability.flip_rate([[True, True], [True, False, True], [False]]) == 0.5
    assert stability.flip_rate([[False, False]]) == 0.0
    assert stability.flip_rate([[True]]) is None


def test_a_success_costs_what_failures_cost_too():
    assert stability.cost_per_success([0.01, 0.03, 0.02], 2) == pytest.approx(0.03)
    assert stability.cost_per_success([0.01, None], 2) is None
    assert stability.cost_per_success([0.01], 0) is None


def test_noise_is_what_repeats_of_one_case_differ_by():
    """However far cases lie from one another."""
    near = [[1.0, 3.0], [101.0, 103.0], [7.0]]
    assert stability.noise_floor(near) == pytest.approx(2**0.5)
    assert stability.noise_floor([[5.0, 5.0, 5.0], [1.0, 3.0]]) == pytest.approx((2 / 3) ** 0.5)
    assert stability.noise_floor([[1.0], []]) is None
