"""Joint moments add up: of parts as of the whole, for means, covariates and ratios."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.adjusted import ArmProducts
from meta_experiment.stats.joint_moments import JointMoments
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.ratio import linearised

NUMBERS = st.floats(-1e6, 1e6).map(lambda value: round(value, 3))
PAIRS = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=30)
NONE = JointMoments(0, (), (), ())


def joint(pairs, origin=(0.0, 0.0)):
    """Return what an engine would tell of these pairs, from an origin near their means."""
    if not pairs:
        return NONE
    moved = [(one - origin[0], other - origin[1]) for one, other in pairs]
    sums = tuple(map(sum, zip(*moved, strict=True)))
    products = tuple(
        tuple(sum(item[i] * item[j] for item in moved) for j in (0, 1)) for i in (0, 1)
    )
    return JointMoments.of_sums(len(pairs), origin, sums, products)


def centred(pairs):
    return joint(pairs, tuple(sum(column) / len(pairs) for column in zip(*pairs, strict=True)))


@given(PAIRS, st.integers(0, 30))
def test_parts_together_are_the_whole(pairs, cut):
    parts = [part for part in (pairs[:cut], pairs[cut:]) if part]
    found = NONE
    for part in parts:
        found = found.merge(centred(part))
    right = ArmProducts.of([one for one, _ in pairs], [(other,) for _, other in pairs])
    made = found.products()
    size = max(1.0, right.values.m2, right.among[0][0])
    assert made.values.n == right.values.n
    assert made.values.mean == pytest.approx(right.values.mean, rel=1e-12, abs=1e-6)
    assert made.values.m2 == pytest.approx(right.values.m2, rel=1e-9, abs=1e-9 * size)
    assert made.with_values[0] == pytest.approx(right.with_values[0], rel=1e-9, abs=1e-9 * size)


def test_a_ratio_has_the_mean_and_the_spread_of_what_units_add_to_it():
    pairs = [(3.0, 1.0), (5.0, 2.0), (2.0, 2.0), (8.0, 3.0)]
    found = centred(pairs[:2]).merge(centred(pairs[2:])).ratio()
    right = Moments.of(linearised(*zip(*pairs, strict=True)))
    assert found.mean == pytest.approx(18 / 8, rel=1e-14)
    assert found.m2 == pytest.approx(right.m2, rel=1e-12)


def test_a_ratio_to_nothing_is_none():
    with pytest.raises(DegenerateDataError):
        centred([(1.0, 0.0), (2.0, 0.0)]).ratio()
    with pytest.raises(DegenerateDataError):
        NONE.ratio()


def test_no_digit_is_lost_where_values_are_far_from_zero():
    pairs = [(1e12 + value, 0.0) for value in (0.25, 0.5, 1.0, 1.75)]
    found = joint(pairs[:2], (1e12, 0.0)).merge(joint(pairs[2:], (1e12, 0.0))).moments()
    assert found.m2 == pytest.approx(Moments.of([0.25, 0.5, 1.0, 1.75]).m2, rel=1e-12)
