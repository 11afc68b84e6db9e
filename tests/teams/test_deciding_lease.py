"""The right to decide holds where a machine that may signed it, for as long as it can."""

import pytest
from tests.store.memory_exchange import Lease
from tests.teams.deciders import deciders

from meta_experiment.errors import CorruptStoreError, LockedError
from meta_experiment.services.acting import team_settling
from meta_experiment.services.teams.checking_store import check_store
from meta_experiment.services.teams.deciding_lease import LEASE_SECONDS, take_lease
from meta_experiment.services.teams.membership import believed
from meta_experiment.services.teams.said_decisions import CarriedOut
from meta_experiment.types import Action


@pytest.fixture(autouse=True)
def remote(monkeypatch):
    done = CarriedOut("c0ffee" + "0" * 34, "main", "")
    monkeypatch.setattr(team_settling, "carry_out", lambda *_: done)


@pytest.fixture
def due(tmp_path):
    """Give an experiment that is to be decided, and two that may."""
    name, (ann, bob) = deciders(tmp_path, "ann", "bob")
    ann.measure(name, 0, 24)
    ann.exchange()
    return name, ann, bob


def taken(mate, name):
    with mate.member() as (workspace, member):
        experiment = workspace.store.experiment(name)
        return take_lease(workspace, member, believed(member), experiment)


def put(team, name, lease, until=LEASE_SECONDS - 1):
    team.leases[name] = lease._replace(seconds=team.now + until)


def test_one_that_decides_holds_it_and_is_named(due):
    name, ann, bob = due
    taken(bob, name)
    with pytest.raises(LockedError, match=f"{bob.signer_id}, is deciding {name}"):
        taken(ann, name)
    step = ann.auto()
    assert (step.error, step.action) == ("locked", None)
    ann.team.now += LEASE_SECONDS
    assert ann.auto().action is Action.PROMOTE


@pytest.mark.parametrize(
    "holder", ["0" * 16, "bob", "ann"], ids=["a stranger", "in bob's name", "in ann's own name"]
)
def test_what_no_machine_that_counts_signed_holds_nothing(due, holder):
    name, ann, bob = due
    known = {"bob": bob.signer_id, "ann": ann.signer_id}
    put(ann.team, name, Lease(name, known.get(holder, holder), 7, 0.0, b"s" * 64))
    assert ann.auto().action is Action.PROMOTE


def test_one_that_lasts_for_longer_than_any_machine_takes_it_holds_nothing(due):
    name, ann, bob = due
    put(ann.team, name, taken(bob, name), 1e12)
    assert ann.auto().action is Action.PROMOTE


def test_one_that_is_prolonged_for_ever_in_somebodys_name_is_followed(due):
    name, ann, bob = due
    signed = taken(bob, name)
    for _ in range(3):
        put(ann.team, name, signed)
        assert ann.auto().error == "locked"
    with ann.at_work() as workspace:
        for _ in range(int(7 * LEASE_SECONDS)):  # each look at the clock is a second
            workspace.clock()
    put(ann.team, name, signed)
    assert ann.auto().action is Action.PROMOTE


def test_earlier_ones_that_are_put_there_in_turn_hinder_no_longer_than_one(due):
    name, ann, bob = due
    signed = []
    for _ in range(2):
        signed.append(taken(bob, name))
        bob.team.seen_by(bob.signer_id).release(signed[-1])
    said = []
    for turn in range(9):
        put(ann.team, name, signed[turn % 2])
        said.append(ann.auto())
        with ann.at_work() as workspace:
            for _ in range(int(LEASE_SECONDS)):
                workspace.clock()
    assert said[0].error == "locked"
    assert "by the database's user somebody" in said[0].sentence
    assert Action.PROMOTE in [it.action for it in said if it is not None]


def test_one_that_is_at_work_now_and_then_is_not_taken_for_one_that_stays(due):
    name, ann, bob = due
    for _ in range(9):
        lease = taken(bob, name)
        with pytest.raises(LockedError):
            taken(ann, name)
        bob.team.seen_by(bob.signer_id).release(lease)
        ann.team.seen_by(ann.signer_id).release(taken(ann, name))
        with ann.at_work() as workspace:
            for _ in range(int(LEASE_SECONDS)):
                workspace.clock()


def test_a_check_says_who_has_the_right_to_decide_and_who_wrote_that(due):
    name, ann, bob = due
    ann.share()
    taken(bob, name)
    with ann.member() as (workspace, member):
        found = check_store(workspace, member).findings
    (said,) = [it for it in found if "right to decide" in it.detail]
    assert said.ok
    assert said.detail.startswith(f"machine {bob.signer_id} has the right to decide, for 300 s")
    assert said.detail.endswith("by the database's user somebody")


def test_who_was_passed_over_decides_nothing(due):
    name, ann, bob = due
    lease = taken(bob, name)
    put(ann.team, name, lease, 1e12)
    with ann.member() as (workspace, member):
        experiment = workspace.store.experiment(name)
        taken(ann, name)
        with pytest.raises(LockedError):
            bob.team.seen_by(bob.signer_id).decide(lease, ann.forge(name, lease))
        assert team_settling.TeamSeat(workspace, member, experiment).record().decided is None


def findings(mate):
    with mate.member() as (workspace, member):
        return [it for it in check_store(workspace, member).findings if not it.ok]


@pytest.mark.parametrize("verb", ["published", "notes", "batches_after", "contents", "written"])
def test_what_cannot_be_read_hides_nothing_else_from_a_check(due, monkeypatch, verb):
    """Somebody filled one table with more than anybody reads."""
    name, ann, _ = due
    ann.share()
    stranger = "0" * 16
    put(ann.team, name, Lease(name, stranger, 7, 0.0, b"s" * 64))
    ann.team.seen_by(stranger).pass_positions(name, 10**15)
    row = ann.forge(name, Lease(name, ann.signer_id, 7, 0.0))
    ann.team.decisions[name].append(row._replace(document=b"{}"))

    def too_large(*_):
        raise CorruptStoreError("It is 72 MB.")

    monkeypatch.setattr(type(ann.team.seen_by("")), verb, too_large)
    said = [it.detail for it in findings(ann)]
    assert ("It is 72 MB." in said) == (verb != "written")
    assert any(f"as {stranger} is said to" in it for it in said)
    assert any("positions from" in it for it in said)
    assert any("decision 0 of" in it for it in said) == (verb != "notes")


def test_whoever_is_in_the_way_is_named_by_a_check(due):
    name, ann, bob = due
    assert findings(ann) == []
    stranger = "0" * 16
    put(ann.team, name, Lease(name, stranger, 7, 0.0, b"s" * 64))
    row = ann.forge(name, Lease(name, ann.signer_id, 7, 0.0))
    for place in range(3):
        ann.team.decisions[name].append(row._replace(generation=place, document=b"{}"))
    ann.team.seen_by(stranger).pass_positions(name, 10**15)
    ann.share()
    said = [it.detail for it in findings(ann)]
    assert len(said) == 3
    assert all("user somebody" in it for it in said)
    parts = "decision 0 of", "(and 2 more)", f"as {stranger} is said to", "positions from"
    for part in parts:
        assert any(part in it for it in said), part
    assert ann.auto().action is Action.PROMOTE
    assert [it.generation for it in ann.team.decisions[name]] == [0, 1, 2, 3]
    del bob
