"""A store that was restored to an earlier moment: what it forgot is known, and holds."""

import copy
import shutil

import pytest
from tests.teams.deciders import deciders, trade

from meta_experiment.services.acting import team_settling
from meta_experiment.services.teams import leasing
from meta_experiment.services.teams.checking_store import check_store
from meta_experiment.services.teams.leasing import AHEAD
from meta_experiment.services.teams.said_decisions import CarriedOut
from meta_experiment.types import Action, Status

COMMIT = "c0ffee" + "0" * 34


@pytest.fixture
def remote(monkeypatch):
    """What was carried out, by change, in the place of git."""
    done = {}

    def carry_out(_, __, outcome):
        done.setdefault(outcome.change_id, []).append(outcome.winner)
        return CarriedOut(COMMIT, "main", "", taken_back=len(done[outcome.change_id]) > 1)

    monkeypatch.setattr(team_settling, "carry_out", carry_out)
    return done


def backup(team):
    return copy.deepcopy({key: it for key, it in vars(team).items() if key != "lock"})


def restore(team, kept):
    vars(team).update(copy.deepcopy(kept))


def decided(tmp_path, *names):
    """Give an experiment that was decided, and its store as it was before."""
    name, mates = deciders(tmp_path, *names)
    for mate in mates:
        mate.measure(name, 0, 24)
    trade(*mates)
    kept = backup(mates[0].team)
    mates[0].auto()
    return name, mates, kept


def findings(mate):
    with mate.member() as (workspace, member):
        return [it.detail for it in check_store(workspace, member).findings if not it.ok]


def shared(mate):
    """Exchange; return what was said of it."""
    from meta_experiment.services.acting import team_sharing

    with mate.member() as (workspace, member):
        return team_sharing.share(workspace, member).notes


def test_whoever_knows_a_decision_tells_it_to_the_store_and_nobody_takes_it_anew(
    tmp_path, remote
):
    name, (ann, bob, cy), kept = decided(tmp_path, "ann", "bob", "cy")
    bob.share()
    before = ann.team.decisions[name], ann.team.notes[name]
    restore(ann.team, kept)
    ann.team.now += 10_000.0
    assert not ann.team.decisions[name]
    (said,) = shared(bob)  # which decided nothing itself
    assert "had forgotten what was decided and where it was carried out" in said
    assert shared(bob) == ()
    assert [it.document for it in ann.team.decisions[name]] == [it.document for it in before[0]]
    assert [it.signature for it in before[1]][:1] == [
        it.signature for it in ann.team.notes[name]
    ][:1]
    cy.auto()
    outcomes = [mate.experiment(name).outcome for mate in (ann, bob, cy)]
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert [len(it) for it in remote.values()] == [1]


def test_who_knows_a_decision_looks_at_it_before_it_decides(tmp_path, remote, monkeypatch):
    """Also where the store could not be told."""
    name, (ann,), kept = decided(tmp_path, "ann")
    restore(ann.team, kept)
    ann.team.now += 10_000.0
    monkeypatch.setattr(team_settling.TeamSeat, "tell_again", lambda *_: "")
    with ann.at_work() as workspace:
        experiment = workspace.store.experiment(name)
        workspace.store.change(
            name,
            lambda it: team_settling.replace(it, status=Status.RUNNING, outcomes=()),
        )
    assert ann.auto().action == experiment.outcome.action
    assert not ann.team.decisions[name]
    assert [len(it) for it in remote.values()] == [1]


def test_who_knows_nothing_and_decides_again_makes_the_same_change(tmp_path, remote):
    name, (ann, bob, cy), kept = decided(tmp_path, "ann", "bob", "cy")
    restore(ann.team, kept)
    ann.team.now += 10_000.0
    step = bob.auto()
    assert len(remote) == 1
    gone = "main does not have that text any more: it was taken back there, or edited since."
    assert f"{gone} It is not brought again." in step.sentence
    (said, *_) = shared(cy)
    assert said.endswith(f"{gone} It is not brought again.")
    ann.share()
    first, second = (mate.experiment(name).outcome for mate in (ann, bob))
    assert first.change_id == second.change_id
    generations = [it.generation for it in ann.team.decisions[name]]
    assert generations == [0, 1]  # both are there, and each is somebody's


def test_another_decision_of_what_is_known_here_is_told(tmp_path, remote):
    name, (ann, bob), kept = decided(tmp_path, "ann", "bob")
    restore(ann.team, kept)
    ann.team.now += 10_000.0
    bob.auto()  # on the same evidence
    assert findings(ann) == []
    ann.share()
    restore(ann.team, kept)
    lease = bob.team.seen_by(bob.signer_id).lease_decision(name, 1.0)
    other = bob.forge(name, lease, action=Action.ROLLBACK, winner=None)
    bob.team.decisions[name].append(other)
    ann.team.now += 10_000.0
    (said,) = findings(ann)
    assert said.startswith(f"decision 0 of {bob.signer_id}: rollback, where promote treatment")
    ann.share()
    assert ann.experiment(name).status is Status.PROMOTED
    assert [len(it) for it in remote.values()] == [2]


def test_positions_that_a_machine_knows_of_are_leased_to_nobody_again(tmp_path):
    name, (ann, bob, cy) = deciders(tmp_path, "ann", "bob", "cy")
    for mate in (ann, bob, cy):
        mate.exchange()
    kept = backup(ann.team)
    ann.share()
    bob.share()  # which saw what ann has
    restore(ann.team, kept)
    bob.share()
    cy.share()
    held = []
    for mate in (ann, bob, cy):
        with mate.at_work() as workspace:
            held += [it.positions for it in workspace.checkout.positions(name).ranges]
    assert [it.start for it in held] == [0, AHEAD, 2 * AHEAD]


def test_a_checkout_that_was_emptied_leases_behind_what_the_store_knows(tmp_path):
    name, (ann,) = deciders(tmp_path, "ann")
    ann.share()
    shutil.rmtree(ann.root / ".claude/meta/local/positions")
    ann.share()
    with ann.at_work() as workspace:
        (held,) = workspace.checkout.positions(name).ranges
    assert held.positions.start == AHEAD


def test_who_takes_all_positions_takes_nobody_the_exchange(tmp_path, monkeypatch):
    name, (ann, bob) = deciders(tmp_path, "ann", "bob")
    bob.exchange()
    monkeypatch.setattr(leasing, "LAST_POSITION", AHEAD)
    ann.team.seen_by("0" * 16).pass_positions(name, 10 * AHEAD)
    (said,) = shared(bob)
    assert "makes no sense" in said
    with bob.at_work() as workspace:
        assert workspace.checkout.positions(name).ranges == ()
    ann.measure(name, 0, 24)
    ann.auto()
    taken_up = shared(bob)[-1]
    assert f"{name} was decided by the team" in taken_up
    assert bob.experiment(name).status is Status.PROMOTED
