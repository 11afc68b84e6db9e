"""The root of a function is found to its last digits, by few looks at the function."""

import math

import pytest

from meta_experiment.stats.root_finding import root

SHAPES = {  # each with its root
    "straight": (lambda x: 3.0 * x - 1.0, 1.0 / 3.0),
    "falling": (lambda x: 0.7 - x, 0.7),
    "bent": (lambda x: x**3 - 2.0, 2.0 ** (1.0 / 3.0)),
    "steep": (lambda x: math.exp(30.0 * x) - math.exp(6.0), 0.2),
    "flat": (lambda x: math.tanh(8.0 * (x - 1.25)), 1.25),
    "far out": (lambda x: math.log(x + 1e-9) - math.log(1.5), 1.5 - 1e-9),
    "near one end": (lambda x: x - 1e-7, 1e-7),
}


@pytest.mark.parametrize(("low", "high"), [(0.0, 2.0), (2.0, 0.0)])
@pytest.mark.parametrize("shape", SHAPES)
def test_it_has_fourteen_digits_after_few_looks(shape, low, high):
    """A bisection would take about 50, also one that calls itself something better."""
    function, expected = SHAPES[shape]
    looks = []

    def seen(x):
        looks.append(x)
        return function(x)

    assert root(seen, low, high) == pytest.approx(expected, rel=2e-14)
    assert len(looks) <= 30


@pytest.mark.parametrize(
    ("function", "end"), [(lambda x: x + 1.0, 0.0), (lambda x: x - 9, 2.0)]
)
def test_without_a_change_of_sign_the_nearer_end_is_returned(function, end):
    assert root(function, 0.0, 2.0) == end
