"""The root of a function is found to its last digits, by few looks at the function."""

import math
import random
from itertools import product

import pytest
from tests.reference.confidence import NormalMixture

from meta_experiment.stats.root_finding import rising_root, root

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


RISING = {  # each with its root
    "evidence": (lambda x: 0.5 * x * x - math.log1p(x) - 3.0, None),
    "straight": (lambda x: 2.0 * x - 6.0, 3.0),
    "cube": (lambda x: x**3 - 27.0, 3.0),
    "steep": (lambda x: math.exp(min(700.0, 9.0 * x)) - math.exp(27.0), 3.0),
    "levelling": (lambda x: math.atan(x) - math.atan(3.0), 3.0),
    "infinite at first": (lambda x: math.log(x / 3.0) if x > 1.0 else -math.inf, 3.0),
    "flat at first": (lambda x: max(x, 2.0) - 3.0, 3.0),
}


@pytest.mark.parametrize("guess", [1e-3, 0.5, 2.9, 3.0, 3.3, 40.0, 1e9])
@pytest.mark.parametrize("shape", RISING)
def test_a_rising_root_is_found_from_any_guess(shape, guess):
    function, expected = RISING[shape]
    expected = expected or root(function, 0.0, 10.0)
    assert rising_root(function, guess, 1e12) == pytest.approx(expected, rel=2e-12)


def test_evidence_is_looked_at_few_times_from_a_fair_guess():
    """Each look is dear; a point that is surely near enough is not looked at."""
    looks = []

    def seen(x):
        looks.append(x)
        return RISING["evidence"][0](x)

    expected = root(RISING["evidence"][0], 0.0, 10.0)
    for share in (0.9, 0.97, 1.02, 1.1):
        looks.clear()
        found = rising_root(seen, share * expected, 1e12)
        assert found == pytest.approx(expected, rel=2e-12)
        assert len(looks) <= 5, (share, looks)
        assert found not in looks


@pytest.mark.parametrize("guess", [0.5, 5.0, 1e13])
def test_a_function_that_stays_below_zero_has_no_rising_root(guess):
    assert rising_root(lambda x: math.atan(x) - 2.0, guess, 1e12) is None


def drawn():
    """Yield rising functions of all slopes, each with its root and a guess near it or far."""
    draw = random.Random("rising")  # noqa: S311
    for _ in range(2_000):
        zero, k = 10.0 ** draw.uniform(-3.0, 6.0), 10.0 ** draw.uniform(-1.5, 2.5)
        guess = zero * math.exp(draw.gauss(0.0, draw.choice((0.01, 0.1, 1.0, 5.0))))
        yield lambda x, z=zero, k=k: math.expm1(min(k * math.log(x / z), 700.0)), zero, guess
        yield lambda x, z=zero: math.log(x / z), zero, guess
        yield lambda x, z=zero, k=k: math.atan(k * (x / z - 1.0)), zero, guess
        yield lambda x, z=zero, k=k: math.tanh(k * (x / z - 1.0)), zero, guess
        yield lambda x, z=zero, k=k: math.expm1(min(k * (x / z - 1.0), 700.0)), zero, guess


@pytest.mark.long
def test_no_rising_root_is_left_before_it_is_near():
    """One that came near by luck, creeps or lies at a turning point looks like one that is."""
    wrong = [
        (found, zero)
        for function, zero, guess in drawn()
        if (found := rising_root(function, guess, 1e12)) != pytest.approx(zero, rel=2e-11)
    ]
    assert wrong == []
