"""Rates in unequal shares: the simulated rule is the program's, and time rarely deceives it."""

import numpy as np
import pytest
from tests.decide.making import SUCCESS, plan, trial
from tests.sim import unequal_rates

from meta_experiment.decide.analysis import analyze
from meta_experiment.decide.metrics.moving_shares import DRAW
from meta_experiment.decide.metrics.rates import RATIO
from meta_experiment.types import Assignment, Holdout, Variant

ARMS = Variant("control", 0.2), Variant("b", 0.8)
WATCHED = plan(
    primary=SUCCESS,
    variants=ARMS[::-1],
    holdout=Holdout("x", 0.1, block=5),
    max_duration_days=90.0,
)

RULES = unequal_rates.by_draw, unequal_rates.by_pairs


def weighted(*variants, **more):
    return plan(primary=SUCCESS, variants=variants or ARMS, **more)


def trials(values, treated):
    return [
        trial("b" if new else "control", place, metrics={"success": float(value)})
        for place, (value, new) in enumerate(zip(values, treated, strict=True))
    ]


def seen(watched, made):
    return analyze(watched, made, experiment_id="x", as_of=2e9, started=None)


def course(block=0):
    rng = np.random.default_rng(3)
    return unequal_rates.courses(
        rng, unequal_rates.constant, experiments=3, units=120, share=0.8, block=block, ratio=1.4
    )


@pytest.mark.parametrize("assignment", [Assignment.WEIGHTED, Assignment.HASH, Assignment.BLOCK])
def test_the_twin_is_the_program(assignment):
    values, treated = course()
    greater, less = unequal_rates.log_draws(values, treated, 0.8, 0)
    for row in range(3):
        found = seen(weighted(assignment=assignment), trials(values[row], treated[row]))
        told = found.primary.comparisons[0].sequential
        assert told.rule == DRAW
        assert told.e_promote == pytest.approx(np.exp(greater[row, -1]), rel=1e-6)
        assert told.e_reject == pytest.approx(np.exp(less[row, -1]), rel=1e-6)


def test_the_twin_is_the_holdout_in_its_blocks():
    values, treated = course(block=5)
    greater, less = unequal_rates.log_draws(values, treated, 0.8, 5)
    for row in range(3):
        found = seen(WATCHED, trials(values[row], treated[row])).holdout
        assert found.still_better == pytest.approx(np.exp(greater[row, -1]), rel=1e-6)
        assert found.reversed == pytest.approx(np.exp(less[row, -1]), rel=1e-6)


def test_of_several_arms_each_is_held_against_its_own_share():
    """A third arm, whose share is another, changes nothing between the two."""
    values, treated = course()
    made = trials(values[0], treated[0])
    two = seen(weighted(), made).primary.comparisons[0].sequential
    made += [trial("c", 1000 + place, metrics={"success": 1.0}) for place in range(20)]
    three = seen(weighted(*ARMS, Variant("c", 0.5)), made).primary.comparisons[0].sequential
    assert (three.e_promote, three.e_reject) == pytest.approx((two.e_promote, two.e_reject))


def test_units_whose_place_nobody_knows_are_told_by_their_counts():
    values, treated = course()
    made = [
        trial("b" if new else "control", 0, unit=f"u{n}", metrics={"success": float(value)})
        for n, (value, new) in enumerate(zip(values[0], treated[0], strict=True))
    ]
    assert seen(weighted(), made).primary.comparisons[0].sequential.rule == RATIO


@pytest.mark.long
def test_drift_deceives_pairs_and_not_the_draw():
    """The table in small: of alike arms pairs show half to be worse, the draw hardly any."""
    rng = np.random.default_rng(11)
    more, less, pairs_more, pairs_less = unequal_rates.errors(
        rng, unequal_rates.steep, *RULES, experiments=60, share=0.8, block=5
    )
    assert max(more, less) <= 0.13  # 5% and three errors of the count
    assert max(pairs_more, pairs_less) >= 0.5


@pytest.mark.long
@pytest.mark.parametrize("world", [unequal_rates.rising, unequal_rates.falling])
@pytest.mark.parametrize("block", [0, 5])
def test_false_answers_are_rare_while_rates_drift(world, block):
    rng = np.random.default_rng(12)
    course = {"experiments": 300, "share": 0.8, "block": block}
    found = unequal_rates.errors(rng, world, unequal_rates.by_draw, **course)
    assert max(found) <= 0.088  # 5% and three errors of the count
    if block:
        assert unequal_rates.decays(rng, world, **course) <= 0.08
