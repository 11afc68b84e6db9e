"""The evidence over the looks is that which the analysis finds at each of them."""

import math
from dataclasses import replace

import pytest
from tests.decide.making import look, plan, spread, trials

from meta_experiment.decide.telling.series import series
from meta_experiment.types import Stopping


def closing(made):
    """Let trials close one after the other, in the order of their units."""
    return [replace(item, closed_at=1000.0 + item.order) for item in made]


MADE = closing(trials(control=spread(60, 20), b=spread(40, 20)))


def test_the_evidence_of_a_look_is_that_of_an_analysis_of_the_same_trials():
    (found,) = series(plan(), MADE, looks=10)
    assert [point.trials for point in found.points] == list(range(4, 41, 4))
    for point in found.points[2:]:
        analysis = look(plan(), MADE[: point.trials])
        evidence = analysis.primary.comparisons[0].sequential
        assert point.better == pytest.approx(math.log(evidence.e_promote))
        assert point.worse == pytest.approx(math.log(evidence.e_reject))
        assert point.at == MADE[point.trials - 1].closed_at


def test_the_bar_is_what_a_promotion_needs():
    (found,) = series(plan(alpha=0.01), MADE)
    assert found.bar == pytest.approx(math.log(100))
    assert found.points[-1].better > found.bar > found.points[0].better


def test_looks_are_no_more_than_trials():
    (found,) = series(plan(), MADE[:3], looks=10)
    assert [point.trials for point in found.points] == [1, 2, 3]
    assert series(plan(), [])[0].points == ()


def test_trials_are_looked_at_as_they_closed_and_open_ones_never():
    late, still_open = replace(MADE[0], closed_at=9000.0), replace(MADE[1], status=None)
    (found,) = series(plan(), [late, still_open, *MADE[2:]], looks=3)
    assert [point.trials for point in found.points] == [13, 26, 39]
    assert [point.at for point in found.points] == [1014.0, 1027.0, 9000.0]


def test_before_its_one_look_a_fixed_plan_decides_nothing():
    chosen = plan(stopping=Stopping.FIXED, sample_size=15)
    (found,) = series(chosen, MADE, looks=40)
    assert [point.valid for point in found.points] == [False] * 29 + [True] * 11
    assert len({point.better for point in found.points[29:]}) == 1
