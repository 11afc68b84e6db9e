"""Two experiments on the same units: what one does to the effect of the other."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats
from tests.decide.making import COST, SUCCESS, plan, trial

from meta_experiment.decide.interactions import interactions

OTHER = plan("z")
ARMS = [*itertools.product(("control", "b"), ("control", "z"))]


def both(values, *, metric="duration_seconds"):
    """Return the trials of two experiments on the units of (own arm, other's arm, value)."""
    own = [
        trial(mine, place, metrics={metric: value})
        for place, (mine, _, value) in enumerate(values)
    ]
    others = [trial(theirs, place) for place, (_, theirs, _) in enumerate(values)]
    return own, others


def drawn(rng, count, value):
    arms = [pair for pair in ARMS for _ in range(count)]
    return [
        (mine, theirs, float(value(rng, mine == "b", theirs == "z"))) for mine, theirs in arms
    ]


def test_the_difference_is_that_of_a_regression_on_both_arms_and_their_product():
    rng = np.random.default_rng(1)
    rows = drawn(rng, 50, lambda rng, b, z: np.exp(rng.normal(3 - 0.2 * b + 0.4 * b * z, 0.3)))
    own, others = both(rows)
    (found,) = interactions(plan(), own, OTHER, "exp-2", others)
    design = np.array([[1.0, m == "b", o == "z", m == "b" and o == "z"] for m, o, _ in rows])
    logs = np.log([value for *_, value in rows])
    slopes, *_ = np.linalg.lstsq(design, logs, rcond=None)
    bread = np.linalg.inv(design.T @ design)
    leverage = np.einsum("ij,jk,ik->i", design, bread, design)
    meat = design.T * ((logs - design @ slopes) ** 2 / (1 - leverage))  # MacKinnon-White HC2
    error = np.sqrt((bread @ meat @ design @ bread)[3, 3])
    assert (found.other, found.treatment, found.beside) == ("exp-2", "b", "z")
    assert (found.units, found.relative) == (200, True)
    assert found.alone == pytest.approx(1 - math.exp(slopes[1]))
    assert found.difference == pytest.approx(1 - math.exp(slopes[3]))
    cells = [[value for *arms, value in rows if arms == list(pair)] for pair in ARMS]
    parts = np.array([np.var(np.log(cell), ddof=1) / len(cell) for cell in cells])
    freedom = parts.sum() ** 2 / (parts**2 / 49).sum()  # Welch 1947, over the four groups
    p_value = 2 * stats.t.sf(abs(slopes[3] / error), freedom)
    assert found.p_value == pytest.approx(p_value, rel=1e-6)
    assert found.interval.low < found.difference < found.interval.high
    assert found.interval.level == pytest.approx(0.9)


def test_sums_and_rates_differ_in_their_own_unit_and_more_is_better():
    rng = np.random.default_rng(2)
    own, others = both(
        drawn(rng, 30, lambda rng, b, z: 5 + b * z + rng.normal(0, 0.1)), metric="cost_usd"
    )
    (found,) = interactions(plan(primary=COST), own, OTHER, "x", others)
    assert found.relative is False
    assert found.difference == pytest.approx(-1, abs=0.1)
    rates = both(
        drawn(rng, 200, lambda rng, b, z: rng.random() < 0.3 + 0.4 * b * z), metric="success"
    )
    (rate,) = interactions(plan(primary=SUCCESS), rates[0], OTHER, "x", rates[1])
    assert rate.difference == pytest.approx(0.4, abs=0.15)


def test_nothing_is_said_of_few_units_or_of_others():
    rng = np.random.default_rng(3)

    def value(rng, *_):
        return np.exp(rng.normal(3, 0.3))

    own, others = both(drawn(rng, 4, value))
    assert list(interactions(plan(), own, OTHER, "x", others)) == []
    own, others = both(drawn(rng, 5, value))
    assert len(list(interactions(plan(), own, OTHER, "x", others))) == 1
    apart = [trial(item.variant, item.order, unit=f"other{item.order}") for item in others]
    assert list(interactions(plan(), own, OTHER, "x", apart)) == []
    constant = both(drawn(rng, 5, lambda *_: 3.0))
    assert list(interactions(plan(), constant[0], OTHER, "x", constant[1])) == []


@pytest.mark.long
def test_alike_effects_are_called_different_as_often_as_the_level_says():
    """Of 400 at two sides of 5%, 40 are expected; 65 would be one in thousands."""
    rng, wrong = np.random.default_rng(4), 0
    for _ in range(400):
        own, others = both(
            drawn(rng, 15, lambda rng, b, _: np.exp(rng.normal(3 - 0.2 * b, 0.4)))
        )
        (found,) = interactions(plan(), own, OTHER, "x", others)
        wrong += not found.interval.low <= 0 <= found.interval.high
    assert 18 <= wrong <= 65
