"""Evidence on the mean of bounded values: exact, and its bounds are where it convinces."""

import math
from itertools import product

import pytest

from meta_experiment.errors import UsageError
from meta_experiment.stats.bounded_mean import log_e_above, lower_bound, mirrored


@pytest.mark.parametrize(
    ("values", "null"),
    [({0.0: 0.5, 1.0: 0.5}, 0.5), ({0.0: 0.3, 0.5: 0.4, 1.0: 0.3}, 0.5), ({0.2: 1.0}, 0.2)],
)
@pytest.mark.parametrize("cases", [1, 2, 5])
def test_its_mean_is_one_where_the_mean_is_the_null(values, null, cases):
    """Over all that could come, weighed by its chance; above the null it is less."""
    expected = above = 0.0
    for drawn in product(values, repeat=cases):
        chance = math.prod(values[value] for value in drawn)
        counts = {value: drawn.count(value) for value in drawn}
        expected += chance * math.exp(log_e_above(counts, null))
        above += chance * math.exp(log_e_above(counts, null + 0.1))
    assert expected == pytest.approx(1.0)
    assert above < expected


def test_every_case_won_is_worth_the_mean_over_the_gamblers():
    """The integral of (1 + κ)ⁿ over (0, 1), up to the grid."""
    for cases in (1, 7, 20):
        whole = math.log((2 ** (cases + 1) - 1) / (cases + 1))
        assert log_e_above({1.0: cases}, 0.5) == pytest.approx(whole, abs=0.01)


@pytest.mark.parametrize("counts", [{1.0: 9, 0.0: 1}, {1.0: 12, 0.5: 3}, {0.75: 40, 0.25: 10}])
def test_a_bound_is_the_null_at_which_it_convinces(counts):
    low = lower_bound(counts, 0.05)
    high = 1 - lower_bound(mirrored(counts), 0.05)
    mean = sum(value * times for value, times in counts.items()) / sum(counts.values())
    assert 0 < low < mean < high <= 1
    assert log_e_above(counts, low) == pytest.approx(math.log(20))


def test_what_says_nothing_bounds_nothing():
    assert lower_bound({0.0: 30}, 0.05) == lower_bound({}, 0.05) == 0.0


@pytest.mark.parametrize(("counts", "null"), [({2.0: 1}, 0.5), ({-0.1: 1}, 0.5), ({1.0: 1}, 0)])
def test_what_is_out_of_bounds_is_refused(counts, null):
    with pytest.raises(UsageError):
        log_e_above(counts, null)
