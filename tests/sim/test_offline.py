"""The loop of offline runs errs as rarely as its rule promises, whatever ends first."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.everyday import some
from tests.sim import offline
from tests.sim.offline import World

from meta_experiment.types import Decision, ReasonCode, Status
from meta_experiment.types.results.run import RunEnd

HUNG = 18  # a seed


@pytest.mark.parametrize("seed", some(range(3), 1))
def test_looks_that_are_passed_over_decide_nothing(seed):
    """The simulation alone leaves them out."""
    world = World(offline.alike, cases=9, minimum=6)
    for found in (world, replace(world, draw=offline.twice_as_fast)):
        one, other = (offline.series(found, seed, every_look=each) for each in (True, False))
        assert one == other


@pytest.mark.parametrize("seed", some([5, 58], 1))
def test_pairs_count_in_the_order_of_the_schedule(seed):
    """The treatment takes as long, but varies more: pairs that end first flatter it."""
    world = World(offline.unequal, cases=16, at_once=16)
    by_end = offline.series(world, seed, ordered=False, doubtful=False)
    assert by_end.decision is Decision.PROMOTE
    assert offline.series(world, seed, doubtful=False).decision is Decision.INCONCLUSIVE


@pytest.mark.long
def test_one_more_that_hangs_is_stood_before_a_promotion():
    """It was faster so far, in a world where one run in eight takes six times as long."""
    world = World(offline.hanging, cases=14)
    assert offline.series(world, HUNG, doubtful=False).decision is Decision.PROMOTE
    assert offline.series(world, HUNG).decision is Decision.INCONCLUSIVE


def test_a_machine_that_fails_takes_the_whole_pair_with_it():
    done = offline.series(World(offline.set_aside, cases=14, at_once=4), 1)
    assert done.set_aside
    assert done.counted == done.runs - 2 * len(done.set_aside)


@pytest.mark.long
def test_what_can_hardly_decide_stops_and_says_what_that_saves():
    done = offline.series(World(offline.alike), 1, futility=True)
    assert (done.ended, done.status) == (RunEnd.FUTILE, Status.EXPIRED)
    assert (done.decision, done.reason_code) == (Decision.INCONCLUSIVE, ReasonCode.FUTILE)
    assert done.counted + done.saved == done.runs == 80
    assert done.saved > 27
    assert "More cases" in done.notes[-1]


@pytest.mark.long
def test_what_is_better_goes_on_to_its_promotion():
    done = offline.series(World(offline.twice_as_fast), 1, futility=True)
    assert (done.ended, done.decision) == (RunEnd.DECIDED, Decision.PROMOTE)
