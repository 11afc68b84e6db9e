"""A fixed plan looks once; a sequential one at everything."""

from __future__ import annotations

from dataclasses import replace

from tests.decide.making import DAY, START, plan, trial

from meta_experiment.decide.rules import rule_of
from meta_experiment.types import Stopping, TrialStatus


def look_of(plan, trials, as_of):
    return rule_of(plan).look(plan, trials, as_of)


FIXED = plan(stopping=Stopping.FIXED, sample_size=2)


def pairs(count):
    return [
        trial(("control", "b")[order % 2], order, metrics={"duration_seconds": 10.0 + order})
        for order in range(2 * count)
    ]


def test_a_sequential_plan_looks_at_all_trials():
    """Every trial is in the look, which is always complete."""
    given = pairs(3)
    found = look_of(plan(), given, START)
    assert (found.trials, found.complete) == (tuple(given), True)


def test_a_fixed_plan_waits_for_its_units():
    """One unit short in an arm, and the look is not complete; it shows all so far."""
    found = look_of(FIXED, pairs(2)[:-1], START + DAY)
    assert (len(found.trials), found.complete, found.waiting) == (3, False, 0)


def test_a_fixed_plan_waits_for_open_trials_and_says_for_how_many():
    """Enough units are assigned, one of them is open."""
    given = [*pairs(2)[:-1], trial("b", 3, status=None)]
    found = look_of(FIXED, given, START + 3600)
    assert (found.complete, found.waiting) == (False, 1)


def test_a_fixed_plan_waits_for_a_trial_that_is_rated_while_it_is_open():
    """A rating tells nothing of how long a trial will take: the look waits for its end."""
    rated = trial("b", 3, status=None, metrics={"rating": 4.0})
    found = look_of(FIXED, [*pairs(2)[:-1], rated], START + 3600)
    assert (found.complete, found.waiting) == (False, 1)
    ended = replace(rated, status=TrialStatus.OK, closed_at=START + 4000)
    assert look_of(FIXED, [*pairs(2)[:-1], ended], START + 4001).complete


def test_a_fixed_plan_does_not_wait_for_an_excluded_trial():
    """What was left out will bring no value."""
    given = [*pairs(2)[:-1], trial("b", 3, status=None, exposed=False, excluded="no_answer")]
    assert look_of(FIXED, given, START + 3600).complete


def test_a_unit_that_never_closes_is_given_up_after_a_day():
    """An abandoned trial does not hold the look for ever; closing it later changes nothing."""
    given = [*pairs(2)[:-1], trial("b", 3, status=None)]
    before = look_of(FIXED, given, START + 2 * DAY)
    assert before.complete
    late = trial("b", 3, metrics={"duration_seconds": 1.0}, closed_at=START + 3 * DAY)
    after = look_of(FIXED, [*given[:-1], late], START + 4 * DAY)
    assert after.trials == before.trials


def test_later_units_and_later_trials_change_nothing():
    """Units beyond the first N, and further turns of those N, are not in the look."""
    given = pairs(2)
    before = look_of(FIXED, given, START + DAY)
    later = [
        *pairs(5)[4:],
        trial("b", 1, unit="u1", trial_id="turn2", assigned_at=START + 7200,
              closed_at=START + 7300, metrics={"duration_seconds": 9999.0}),
        trial("control", 0, unit="u0", trial_id="turn3", assigned_at=START + 60,
              closed_at=START + 9000, metrics={"duration_seconds": 9999.0}),
    ]  # fmt: skip
    after = look_of(FIXED, [*later, *given], START + 5 * DAY)
    values = {item.trial_id: dict(item.metrics) for item in after.trials if item.metrics}
    assert values == {item.trial_id: dict(item.metrics) for item in before.trials}
    assert "turn2" not in {item.trial_id for item in after.trials}


def test_the_first_units_are_those_assigned_first_exposed_or_not():
    """An unexposed unit keeps its place among the first N instead of a later one."""
    given = pairs(3)
    given[1] = replace(given[1], exposed=False, status=TrialStatus.ERROR)
    found = look_of(FIXED, given, START + DAY)
    assert {item.unit for item in found.trials if item.variant == "b"} == {"u1", "u3"}


def test_trials_without_times_are_in_the_look():
    """Old records have no times; they count."""
    given = [replace(item, assigned_at=None, closed_at=None) for item in pairs(2)]
    assert len(look_of(FIXED, given, START).trials) == 4
