"""Trials become one value per unit, and nothing is dropped without being counted."""

from __future__ import annotations

import math

import pytest
from tests.decide.making import COST, DURATION, START, SUCCESS, plan, trial

from meta_experiment.decide.samples import sample_of
from meta_experiment.decide.units import ERROR_RATE, arms_of, is_abandoned, is_closed
from meta_experiment.types import TrialStatus, Unit


def sample(metric, *trials, stretch=1.0, **changes):
    return sample_of(arms_of(plan(**changes), trials)["b"], metric, stretch=stretch)


def test_a_unit_has_one_value_the_mean_of_its_trials_on_the_scale():
    """Two turns of 10 s and 1000 s in a session are one value of 100 s on the log scale."""
    found = sample(
        DURATION,
        trial("b", 0, unit="s", metrics={"duration_seconds": 10.0}),
        trial("b", 0, unit="s", metrics={"duration_seconds": 1000.0}),
    )
    assert len(found) == 1
    assert found.values[0] == pytest.approx(math.log(100))
    assert found.raw[0] == pytest.approx(505)


def test_values_stand_in_assignment_order_whatever_the_order_of_the_trials():
    """Values come by the position of their unit in the assignment sequence."""
    given = [trial("b", order, metrics={"cost_usd": float(order)}) for order in (5, 1, 3)]
    assert sample(COST, *given).values == (1.0, 3.0, 5.0)


def test_a_missing_metric_is_missing_and_never_zero():
    """A trial without the metric leaves no value behind."""
    found = sample(COST, trial("b", 0), trial("b", 1, metrics={"cost_usd": 2.0}))
    assert found.values == (2.0,)


def test_unexposed_units_are_assigned_but_not_measured():
    """A unit that never received its variant counts as assigned alone."""
    arm = arms_of(plan(), [trial("b", 0, exposed=False, metrics={"cost_usd": 1.0})])["b"]
    assert (len(arm.units), arm.exposed, len(sample_of(arm, COST))) == (1, 0, 0)


def test_excluded_trials_leave_a_counted_reason():
    """An excluded trial gives no value and its reason is counted; the unit stays exposed."""
    arm = arms_of(plan(), [trial("b", 0, metrics={"cost_usd": 1.0}, excluded="wrong_machine")])[
        "b"
    ]
    assert arm.exclusions == {"wrong_machine": 1}
    assert (arm.exposed, len(sample_of(arm, COST))) == (1, 0)


def test_a_unit_in_two_variants_counts_in_neither_unless_it_is_an_eval_case():
    """One session under both variants taints both; a case runs in every arm by design."""
    given = [
        trial("control", 0, unit="x", metrics={"cost_usd": 1.0}),
        trial("b", 1, unit="x", metrics={"cost_usd": 2.0}),
    ]
    tainted = arms_of(plan(), given)
    assert [len(sample_of(arm, COST)) for arm in tainted.values()] == [0, 0]
    assert [dict(arm.exclusions) for arm in tainted.values()] == [
        {"unit_in_two_variants": 1}
    ] * 2
    cases = arms_of(plan(unit=Unit.CASE), given)
    assert [len(sample_of(arm, COST)) for arm in cases.values()] == [1, 1]


def test_an_interrupted_trial_enters_with_its_value_so_far():
    """Interrupted trials are kept, and stretched only where lower is better and it grows."""
    cut = trial("b", 0, status=TrialStatus.INTERRUPTED, metrics={"cost_usd": 3.0, "success": 0})
    assert sample(COST, cut).values == (3.0,)
    assert sample(COST, cut, stretch=4.0).values == (12.0,)
    assert sample(SUCCESS, cut, stretch=4.0).values == (0.0,)


@pytest.mark.parametrize(
    ("metric", "value", "reason"),
    [
        (DURATION, 0.0, "not_positive"),
        (DURATION, -1.0, "not_positive"),
        (COST, math.nan, "not_finite"),
        (COST, math.inf, "not_finite"),
        (SUCCESS, 0.5, "not_binary"),
    ],
)
def test_a_value_that_cannot_stand_on_the_scale_is_skipped_and_counted(metric, value, reason):
    """Zero has no logarithm, a success is 0 or 1: such values are counted, not coerced."""
    found = sample(metric, trial("b", 0, metrics={metric.name: value}))
    assert (found.values, found.skipped) == ((), {reason: 1})


def test_the_error_rate_follows_from_the_status_unless_it_was_recorded():
    """Ended well is 0, in an error 1, cut short unknown; a recorded value comes first."""
    given = [
        trial("b", 0),
        trial("b", 1, status=TrialStatus.ERROR),
        trial("b", 2, status=TrialStatus.INTERRUPTED),
        trial("b", 3, metrics={"error_rate": 1.0}),
    ]
    assert sample(ERROR_RATE, *given).values == (0.0, 1.0, 1.0)


def test_trials_of_unknown_variants_are_left_out():
    """A label that the plan does not name is no arm."""
    arms = arms_of(plan(), [trial("old", 0)])
    assert list(arms) == ["control", "b"]
    assert not any(arm.units for arm in arms.values())


@pytest.mark.parametrize(
    ("one", "closed"),
    [
        (trial("b", 0, status=None), False),
        (trial("b", 0, status=None, metrics={"rating": 4.0}), False),
        (trial("b", 0, status=TrialStatus.ERROR), True),
        (trial("b", 0, metrics={"rating": 4.0}), True),
        (trial("b", 0, closed_at=None, assigned_at=None), True),
    ],
)
def test_a_trial_is_closed_by_its_outcome_and_by_no_rating(one, closed):
    """What records how a trial ended closes it, with or without a time; a rating does not."""
    assert is_closed(one) is closed


def test_an_open_trial_is_given_up_after_a_day():
    """A trial still open after 24 hours never closes; one that is closed is never given up."""
    opened = trial("b", 0, status=None)
    assert not is_abandoned(opened, START + 3600)
    assert is_abandoned(opened, START + 24 * 3600)
    assert not is_abandoned(trial("b", 0), START + 1e9)
