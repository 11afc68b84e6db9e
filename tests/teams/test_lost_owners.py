"""The owner's machine is lost: what a copy of its key brings back, and what is kept without."""

from __future__ import annotations

import shutil

from tests.store.memory_exchange import MemoryTeam
from tests.teams.teammates import Teammate, team_of

from meta_experiment.services.teams import checking_store


def _owner_finding(mate):
    with mate.member() as (workspace, member):
        findings = checking_store.check_store(workspace, member).findings
    return next(item for item in findings if item.name == "owner")


def test_a_copy_of_its_key_owns_the_project_on_another_machine(tmp_path):
    """It admits others for all; the owner was told to keep it, and nobody else is."""
    made, (ann, bob) = team_of(tmp_path, "ann", "bob")
    hint = _owner_finding(ann).hint
    assert str(ann.home) in hint
    assert _owner_finding(bob).hint is None
    ann.record(made, ["a-1"])
    ann.exchange()
    copied = next(ann.home.rglob("signing-key"))
    assert str(copied) in hint
    other = Teammate(tmp_path, "other", bob.team).clone(bob.root)
    place = other.home / copied.relative_to(ann.home)
    place.parent.mkdir(parents=True)
    place.write_bytes(copied.read_bytes())
    shutil.rmtree(ann.home)
    shutil.rmtree(ann.root)
    other.join()
    eve = Teammate(tmp_path, "eve", bob.team).clone(bob.root)
    other.admit(eve.join())
    for mate in (eve, other):
        mate.record(made, [f"{mate.name}-1"])
        mate.exchange()
    bob.exchange()
    assert set(bob.counts(made)) == {"a-1", "eve-1", "other-1"}
    assert "owns the project" in _owner_finding(other).hint


def test_without_one_a_new_project_keeps_what_each_wrote(tmp_path):
    """The experiment goes on under a new owner; what the lost machine wrote counts no more."""
    made, (ann, bob, eve) = team_of(tmp_path, "ann", "bob", "eve")
    for mate in (ann, bob, eve, ann):
        if mate is not ann or not mate.trials(made):
            mate.record(made, [f"{mate.name}-1"])
        mate.exchange()
    bob.exchange()
    eve.exchange()
    assert set(bob.counts(made)) == {"ann-1", "bob-1", "eve-1"}
    anew = MemoryTeam("second")
    bob.team = eve.team = anew
    bob.join()
    bob.admit(eve.join())
    for mate in (bob, eve, bob):
        mate.exchange()
    assert set(bob.counts(made)) == set(eve.counts(made)) == {"bob-1", "eve-1"}
