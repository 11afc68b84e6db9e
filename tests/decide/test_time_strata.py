"""Rates of arms that somebody else draws are compared within times."""

import random

import pytest
from tests.decide.making import DAY, START, SUCCESS, plan, trial

from meta_experiment.decide.analysis import analyze
from meta_experiment.decide.metrics.rates import PAIRS, RATIO
from meta_experiment.decide.metrics.time_strata import STRATA, strata
from meta_experiment.types import Assignment, Variant

EXTERNAL = plan(primary=SUCCESS, assignment=Assignment.EXTERNAL)


def drifting(units=1000, share=0.1, **changes):
    """Return trials of arms that are alike, one a minute, while their rate goes up."""
    chance = random.Random(4)  # noqa: S311
    return [
        trial(
            "b" if chance.random() < share else "control",
            place,
            metrics={"success": float(chance.random() < 0.1 + 0.8 * place / units)},
            **changes,
        )
        for place in range(units)
    ]


def seen(trials, watched=EXTERNAL):
    found = analyze(watched, trials, experiment_id="x", as_of=2e9, started=None)
    return found.primary.comparisons[0].sequential


def test_time_is_no_effect_in_unequal_shares():
    found = seen(drifting())
    assert found.rule == STRATA
    assert max(found.e_promote, found.e_reject) < 20
    block = plan(primary=SUCCESS)
    assert seen(drifting(), block).e_promote > 20  # which its sample ratio forbids to decide on


def test_stated_shares_of_another_system_are_not_taken_for_its_draw():
    stated = plan(
        primary=SUCCESS,
        assignment=Assignment.EXTERNAL,
        variants=(Variant("control", 0.5), Variant("b", 0.7)),
    )
    assert seen(drifting(), stated).rule == STRATA


def test_units_without_a_time_are_in_no_order():
    found = seen(drifting(assigned_at=None))
    assert found.rule == PAIRS
    assert max(found.e_promote, found.e_reject) < 20


def test_units_that_are_means_are_told_by_their_sums():
    trials = drifting()
    first = trials[0]
    other = {"success": 1 - first.metrics["success"]}
    other = trial(first.variant, 5001, unit=first.unit, metrics=other)
    assert seen([*trials, other]).rule == RATIO


@pytest.mark.parametrize(
    ("control", "treatment", "sizes"),
    [
        ({float(at): (1, 0.0) for at in range(27)}, {}, [10, 10]),
        ({0.0: (400, 9.0), 1.0: (4, 1.0)}, {0.0: (40, 1.0), 1.0: (4, 0.0)}, [440]),
        ({None: (3, 0.0), 1.0: (6, 1.0)}, {2.0: (1, 0.0), 3.0: (12, 1.0)}, [10, 12]),
    ],
)
def test_a_stratum_is_ten_units_or_all_of_one_moment(control, treatment, sizes):
    assert [item.units for item in strata(control, treatment)] == sizes


def test_days_that_trials_share_stay_together():
    day = drifting(assigned_at=START)
    later = [
        trial("b", 2000 + place, assigned_at=START + DAY, metrics={"success": 1.0})
        for place in range(9)
    ]
    assert seen([*day, *later]).e_promote == pytest.approx(seen(day).e_promote)


def test_arms_that_ran_one_after_the_other_are_compared_in_pairs():
    """As runs of a harness: no time has both, and nothing could ever be decided."""
    arms = {"control": 0.3, "b": 0.8}
    chance = random.Random(4)  # noqa: S311
    trials = [
        trial(arm, place, metrics={"success": float(chance.random() < arms[arm])})
        for place, arm in enumerate(name for name in arms for _ in range(100))
    ]
    found = seen(trials)
    assert found.rule == PAIRS
    assert found.e_promote > 20


@pytest.mark.parametrize("share", [0.5, 0.1, 0.03])
def test_however_small_an_arm_it_is_held_against_units_of_its_time(share):
    assert seen(drifting(share=share)).rule == STRATA
