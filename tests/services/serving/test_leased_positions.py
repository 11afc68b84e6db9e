"""A team's experiment draws from positions that were leased ahead, and apart without them."""

from collections import Counter
from dataclasses import replace

import pytest
from tests.services.serving.test_layers import Project

from meta_experiment.assign.draw import arm_for
from meta_experiment.errors import UsageError
from meta_experiment.protocol import index
from meta_experiment.services.acting import lifecycle
from meta_experiment.services.recording import assigning
from meta_experiment.services.serving.reconciliation import reconcile_quietly
from meta_experiment.types import Assignment, TeamTerms

BLOCKS = {"team": {"branch": "main"}}


@pytest.fixture
def project(root, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    return Project(root, tmp_path)


def lease(project, name, start, stop):
    project.space.checkout.add_positions(name, range(start, stop))
    reconcile_quietly(project.space)


def due(project, name, at):
    experiment = project.space.store.experiment(name)
    seed = assigning.mixed_seed(project.space, experiment)
    return arm_for(experiment.plan, seed, "", at)


def apart(project, name, unit):
    experiment = project.space.store.experiment(name)
    seed = assigning.mixed_seed(project.space, experiment)
    return arm_for(replace(experiment.plan, assignment=Assignment.HASH), seed, unit, 0)


def served(project, name, first, stop):
    return [project.use(name, f"s{number}").variant for number in range(first, stop)]


def test_what_is_served_is_drawn_at_the_leased_positions_and_apart_between_them(project):
    name = project.start("alpha", None, **BLOCKS)
    assert served(project, name, 0, 3) == [apart(project, name, f"s{it}") for it in range(3)]
    lease(project, name, 40, 50)
    assert served(project, name, 3, 13) == [due(project, name, at) for at in range(40, 50)]
    assert served(project, name, 13, 15) == [apart(project, name, f"s{it}") for it in (13, 14)]
    lease(project, name, 90, 100)
    lease(project, name, 200, 210)
    wanted = [due(project, name, at) for at in (*range(90, 100), *range(200, 203))]
    assert served(project, name, 15, 28) == wanted
    assert project.space.checkout.positions_left(name) == 7
    assert served(project, name, 0, 28) == served(project, name, 0, 28)  # each has its own


def test_the_verb_draws_at_the_same_places_as_a_prompt(project):
    name = project.start("alpha", None, **BLOCKS)
    lease(project, name, 20, 30)
    wanted = [due(project, name, at) for at in range(20, 30)]
    for place, variant in enumerate(wanted):
        if place % 2:
            assert project.use(name, f"u{place}").variant == variant
        else:
            assert assigning.assign(project.space, name, f"u{place}").variant == variant
    assert Counter(wanted) == {"control": 5, "treatment": 5}
    assert assigning.assign(project.space, name, "late").variant == apart(project, name, "late")


def test_positions_that_a_commit_brought_along_are_none(project):
    name = project.start("alpha", None, **BLOCKS)
    lease(project, name, 20, 30)
    path = project.space.layout.positions(name)
    path.write_bytes(path.read_bytes().replace(b"20 30", b"50 60"))
    assert project.space.checkout.positions(name).ranges == ()
    assert project.space.checkout.positions_left(name) == 0


def test_every_checkout_of_a_team_has_the_same_sequence_and_alone_one_of_its_own(
    project, tmp_path
):
    name = project.start("alpha", None, **BLOCKS)
    lease(project, name, 0, 10)
    experiment = project.space.store.experiment(name)
    (tmp_path / "other").mkdir()
    other = Project(tmp_path / "other", tmp_path).space
    seeds = {assigning.mixed_seed(space, experiment) for space in (project.space, other)}
    assert len(seeds) == 1
    alone = replace(experiment, plan=replace(experiment.plan, team=None))
    assert len({assigning.mixed_seed(it, alone) for it in (project.space, other)}) == 2
    entry = index.find_entry(str(project.root), name)
    assert (entry.method, len(entry.sequence)) == ("hash", 10)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"assignment": {"method": "bandit", "aim": "find_best"}}, "shares of a bandit move"),
        ({"assignment": {"ramp": [5, 50]}}, "shares of a ramp move"),
        ({"assignment": {"method": "least_used"}}, "used least is not known"),
        ({"unit": "case"}, "eval cases run in every arm"),
        ({"stopping": {"rule": "fixed"}}, "one look at the first units is no look of a team"),
        ({"robust": True}, "by one machine"),
    ],
)
def test_what_several_machines_cannot_do_is_refused(project, wanted, said):
    with pytest.raises(UsageError, match=said):
        project.start("alpha", None, **BLOCKS, **wanted)
    assert not project.space.store.experiments()


def test_a_stored_plan_that_a_team_cannot_carry_out_does_not_start(project):
    name = project.start("alpha", None, start=False, assignment={"method": "least_used"})
    project.space.store.change(
        name, lambda it: replace(it, plan=replace(it.plan, team=TeamTerms("main")))
    )
    with pytest.raises(UsageError, match="used least is not known"):
        lifecycle.start(project.space, name)


def test_a_range_is_added_behind_what_was_drawn_meanwhile(project):
    name = project.start("alpha", None, **BLOCKS)
    lease(project, name, 0, 10)
    served(project, name, 0, 12)
    project.space.checkout.add_positions(name, range(50, 60))
    known = project.space.checkout.positions(name)
    assert [(it.first, it.end) for it in known.ranges] == [(0, 10), (12, 22)]
    assert [known.of(unit) for unit in (9, 11, 12, 22)] == [9, None, 50, None]
