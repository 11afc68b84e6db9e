"""The root of a function is found to its last digits, by few looks at the function."""

import math
from itertools import product

import pytest
from tests.reference.confidence import NormalMixture

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


def many():
    """Yield functions of many slopes and widths, each with its ends and its root."""
    sizes = product((0.05, 0.2, 0.5, 0.8, 0.95), (0.01, 0.3, 1.0, 30.0), (3.0, 7.3, 30.0))
    for level, width, reach in sizes:
        low, high = -reach * width, 2.0 * reach * width
        grown, sunk = math.log1p(level) * width, math.sinh(level) * width
        yield lambda x, a=level, w=width: math.expm1(x / w) - a, low, high, grown
        yield lambda x, a=level, w=width: a - math.asinh(x / w), low, high, sunk
        yield lambda x, a=level: math.log(x / a) if x else -math.inf, 0.0, reach, level


def test_no_rounding_and_no_infinite_end_stops_it_early():
    wrong = [
        (found, expected)
        for function, low, high, expected in many()
        if (found := root(function, low, high)) != pytest.approx(expected, rel=1e-13)
    ]
    assert wrong == []


def test_a_point_that_rounding_put_beyond_its_end_is_no_reason_to_stop():
    """There the last point was the root itself, and the other end a long way off."""
    mixture, level = NormalMixture.tightest_at(200.0, one_sided=True), 0.03768975590957583
    bound = mixture.boundary(1.0, level)
    assert mixture.log_supermartingale(bound, 1.0) == pytest.approx(-math.log(level), rel=1e-13)


@pytest.mark.parametrize(
    ("function", "end"), [(lambda x: x + 1.0, 0.0), (lambda x: x - 9, 2.0)]
)
def test_without_a_change_of_sign_the_nearer_end_is_returned(function, end):
    assert root(function, 0.0, 2.0) == end
