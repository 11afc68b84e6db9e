"""Evidence from the draw: exact for any scores, by counting all that could be drawn."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meta_experiment.stats.log_sums import log_sum_exp
from meta_experiment.stats.mixed_prior import EFFECTS
from meta_experiment.stats.randomization import (
    Group,
    Part,
    log_e_of_draws,
    log_e_of_groups,
    symmetric_mean,
)
from meta_experiment.stats.root_finding import narrowed

SCORES = st.floats(-6, 6)
TWO_WAYS = ((Part(4, 2), Part(6, 3)), (Part(6, 3), Part(4, 2)))


def draws(layouts):
    """Yield every assignment with its probability."""
    for layout in layouts:
        choices = [
            [
                set(treated)
                for treated in itertools.combinations(range(part.length), part.treated)
            ]
            for part in layout
        ]
        for picked in itertools.product(*choices):
            z = [
                int(place in treated)
                for part, treated in zip(layout, picked, strict=True)
                for place in range(part.length)
            ]
            yield z, 1 / len(layouts) / math.prod(map(len, choices))


@pytest.mark.long
@settings(max_examples=3, deadline=None)
@given(st.lists(SCORES, min_size=10, max_size=10))
def test_over_all_that_could_be_drawn_its_mean_is_one(scores):
    """Both ways, whatever the scores: that is what makes it an e-value."""
    for layouts in (TWO_WAYS, ((Part(10, 5),),)):
        up = down = 0.0
        for z, probability in draws(layouts):
            found = [log_e_of_groups([Group(z, scores, layouts)], sign) for sign in (1, -1)]
            up += probability * math.exp(found[0])
            down += probability * math.exp(found[1])
        assert (up, down) == (pytest.approx(1.0), pytest.approx(1.0))


def test_a_product_of_groups_is_weighed_effect_by_effect():
    groups = [Group([1, 0], [0.5, -0.5], ((Part(2, 1),),)) for _ in range(3)]
    want = sum(
        math.exp(weight) * (math.exp(0.5 * d) / math.cosh(0.5 * d)) ** 3
        for d, weight in EFFECTS
    )
    assert math.exp(log_e_of_groups(groups, 1)) == pytest.approx(want)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(SCORES, st.floats(0.05, 0.95)), min_size=1, max_size=6))
def test_single_draws_have_mean_one_as_well(drawn):
    scores, shares = [u for u, _ in drawn], [p for _, p in drawn]
    total = 0.0
    for z in itertools.product((0, 1), repeat=len(drawn)):
        weight = math.prod(p if one else 1 - p for one, p in zip(z, shares, strict=True))
        total += weight * math.exp(log_e_of_draws(shares, z, scores, 1))
    assert total == pytest.approx(1.0)


@given(
    st.lists(st.floats(1e-30, 1.0), min_size=1, max_size=9).flatmap(
        lambda x: st.tuples(st.just(x), st.integers(0, len(x)))
    )
)
def test_symmetric_means_are_those_of_all_choices(case):
    x, k = case
    every = [math.prod(chosen) for chosen in itertools.combinations(x, k)]
    assert symmetric_mean(x, k) == pytest.approx(math.fsum(every) / len(every), rel=1e-9)


def test_far_scores_do_not_overflow():
    scores = [400.0, -400.0, 300.0, -300.0]
    groups = [Group([1, 0, 1, 0], scores, ((Part(4, 2),),))]
    assert 0 < log_e_of_groups(groups, 1) < math.log(6) + 1e-9
    assert log_e_of_groups(groups, -1) < 0


def test_no_units_are_no_evidence():
    assert log_e_of_groups([], 1) == pytest.approx(0)
    assert log_e_of_draws([], [], [], -1) == pytest.approx(0)


@pytest.mark.parametrize("shift", [-0.3, 0.0, 0.05, 0.4, 2.0])
def test_effects_that_are_left_out_weigh_nothing(shift):
    """Of many units the far effects are not looked at, which changes no digit."""
    scores = [math.sin(17.0 * place) for place in range(400)]
    treated = [
        int(score > -shift if place % 3 else place % 2) for place, score in enumerate(scores)
    ]
    terms = [
        weight
        + math.fsum(
            theta * u * z - math.log(0.5 * math.exp(theta * u) + 0.5)
            for z, u in zip(treated, scores, strict=True)
        )
        for theta, weight in EFFECTS
    ]
    right = log_sum_exp(terms)
    assert log_e_of_draws([0.5] * 400, treated, scores, 1) == pytest.approx(right, rel=1e-12)


@pytest.mark.parametrize(("below", "above"), [(0.0, 3.0), (3.0, 0.0), (1.2, 1.3)])
def test_a_bracket_is_narrowed_to_the_side_that_is_not_below(below, above):
    """Of a function that jumps as well, in few steps."""
    asked = []

    def jumps(x):
        asked.append(x)
        return math.copysign(math.floor(100 * abs(x - 1.234)) / 100 + 0.005, x - 1.234) * (
            1 if above > below else -1
        )

    found = narrowed(jumps, below, above, 1e-3)
    assert jumps(found) >= 0
    assert abs(found - 1.234) <= 1e-3
    assert len(asked) < 18
