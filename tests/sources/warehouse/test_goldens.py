"""Statistics of sums that an engine made are those of the values, to the ninth digit."""

import math

import pytest
from tests import golden_adapter, golden_summed
from tests.stats.test_golden_adapter import SAMPLES

HARD = {
    "far from zero": ([1e8 + 0.25, 1e8 + 1.5, 1e8 - 2.125, 1e8], [1e8 - 3.5, 1e8, 1e8 - 1.25]),
    "tiny": ([5.2e-9, 5.5e-9, 4.8e-9, 3.3e-9], [3.2e-9, 4.3e-9, 4.0e-9]),
    "below zero": ([-20.8, -17.7, -22.6], [-27.3, -24.9, -17.6, -21.0]),
    "of many sizes": ([1e-6, 3.0, 8e5, 40.0], [2.0, 5e6, 0.1]),
}


def assert_same(summed, direct):
    """Compare answers by name; of the sums of values that cancel nothing is lost either."""
    assert summed.keys() == direct.keys()
    for name, value in direct.items():
        if isinstance(value, float) and math.isfinite(value):
            assert summed[name] == pytest.approx(value, rel=1e-9, abs=1e-12), name
        else:
            assert str(summed[name]) == str(value), name


@pytest.mark.parametrize("fn", golden_summed.FUNCTIONS)
def test_an_answer_from_sums_is_that_of_the_values(fn):
    inputs = SAMPLES[fn]
    assert_same(golden_summed.call(fn, inputs), golden_adapter.call(fn, inputs))


@pytest.mark.parametrize("case", HARD)
def test_no_digit_is_lost_to_where_the_values_lie(case):
    control, treatment = HARD[case]
    inputs = {"control": control, "treatment": treatment, "conf": 0.95}
    assert_same(golden_summed.call("welch_t", inputs), golden_adapter.call("welch_t", inputs))
