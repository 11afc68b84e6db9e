"""A team's experiment stands in one checkout as that made it, and git sees nothing of it."""

from dataclasses import replace

import pytest
from tests.sealing import own_seal
from tests.store.making import experiment

from meta_experiment.store.local.own_states import (
    OwnState,
    as_they_stand,
    parted,
    read_states,
    write_states,
)
from meta_experiment.store.local.registry import (
    change_experiment,
    read_one,
    read_registry,
    update_registry,
)
from meta_experiment.types import Status, TeamTerms


def of_team(item):
    return replace(item, plan=replace(item.plan, team=TeamTerms("main")))


ALONE = replace(experiment("exp-1"), status=Status.RUNNING, started=2e9)
SHARED = of_team(replace(experiment("exp-2"), status=Status.RUNNING, started=2e9))
DRAFT = of_team(experiment("exp-3"))


def to(status, **more):
    return lambda item: replace(item, status=status, **more)


@pytest.fixture
def kept(layout, disk):
    """Return a registry of the three, as git brought it."""
    own_seal(layout.root)
    update_registry(layout, disk, lambda _: [ALONE, SHARED, DRAFT])
    return layout


def stands(layout):
    return {item.experiment_id: item.status for item in read_registry(layout)}


def test_only_what_follows_of_a_teams_experiment_is_of_this_checkout(kept, disk):
    before = kept.registry.read_bytes()
    change_experiment(kept, disk, "exp-2", to(Status.PAUSED))
    assert kept.registry.read_bytes() == before
    assert read_one(kept, "exp-2").status is Status.PAUSED
    change_experiment(kept, disk, "exp-1", to(Status.PAUSED))
    change_experiment(kept, disk, "exp-3", to(Status.RUNNING, started=2e9))
    assert set(stands(kept).values()) == {Status.PAUSED, Status.RUNNING}
    kept.own_states.unlink()
    assert stands(kept) == {
        "exp-1": Status.PAUSED,
        "exp-2": Status.RUNNING,
        "exp-3": Status.RUNNING,
    }


def test_a_plan_is_amended_for_all_and_a_state_that_is_as_registered_is_none(kept, disk):
    change_experiment(kept, disk, "exp-2", to(Status.PAUSED))
    change_experiment(kept, disk, "exp-2", lambda it: replace(it, plan_sha256="2" * 64))
    assert b"2" * 64 in kept.registry.read_bytes()
    assert stands(kept)["exp-2"] is Status.PAUSED
    change_experiment(kept, disk, "exp-2", to(Status.RUNNING))
    assert read_states(kept) == {}


def test_what_is_put_away_is_put_away_for_all(kept, disk):
    change_experiment(kept, disk, "exp-2", to(Status.EXPIRED, ended=3e9))
    change_experiment(kept, disk, "exp-2", to(Status.ARCHIVED))
    assert "exp-2" not in stands(kept)
    assert kept.archived("exp-2").exists()
    assert read_states(kept) == {}


def test_what_has_ended_on_either_side_has_ended(kept, disk):
    change_experiment(kept, disk, "exp-2", to(Status.PAUSED))
    (paused,) = read_states(kept).values()
    later = replace(SHARED, status=Status.EXPIRED, ended=3e9)
    assert paused.over(later) == later
    ended = OwnState(replace(SHARED, status=Status.PROMOTED, ended=3e9), paused.base)
    assert ended.over(replace(SHARED, started=2.1e9)).status is Status.PROMOTED
    assert as_they_stand([ALONE], {"exp-1": ended}) == [ALONE]


def test_no_commit_makes_go_on_what_was_halted_here(kept, disk):
    change_experiment(kept, disk, "exp-2", to(Status.PAUSED))
    states = read_states(kept)
    (stands_now,) = as_they_stand([replace(SHARED, started=2.1e9)], states)
    assert stands_now.status is Status.PAUSED
    (stands_now,) = as_they_stand([to(Status.EXPIRED, ended=3e9)(SHARED)], states)
    assert stands_now.status is Status.EXPIRED


def test_states_of_what_another_branch_has_stay():
    state = OwnState(SHARED, "")
    shared, own = parted([ALONE], {"exp-2": state}, [ALONE])
    assert (shared, own) == ([ALONE], {"exp-2": state})


def test_what_a_commit_brought_along_is_no_state(kept, disk):
    write_states(kept, disk, {"exp-2": OwnState(replace(SHARED, status=Status.EXPIRED), "")})
    data = kept.own_states.read_bytes()
    assert stands(kept)["exp-2"] is Status.EXPIRED
    kept.own_states.write_bytes(data.replace(b"expired", b"promoted"))
    assert stands(kept)["exp-2"] is Status.RUNNING
