"""What a machine decided while it counted stays, also when it counts no longer."""

import pytest
from tests.teams.deciders import deciders, trade

from meta_experiment.errors import CorruptStoreError, GitError
from meta_experiment.services.acting import team_settling
from meta_experiment.services.acting.team_settling import TeamSeat
from meta_experiment.services.teams.deciding_lease import take_lease
from meta_experiment.services.teams.removed_deciders import decisions_of
from meta_experiment.services.teams.said_decisions import CarriedOut, bear_witness
from meta_experiment.services.teams.trial_terms import terms_sha256
from meta_experiment.store.exchange import PublishedExperiment
from meta_experiment.types import Status

COMMIT = "c0ffee" + "0" * 34


@pytest.fixture(autouse=True)
def remote(monkeypatch):
    monkeypatch.setattr(team_settling, "carry_out", lambda *_: CarriedOut(COMMIT, "main", ""))


def record(mate, name):
    with mate.member() as (workspace, member):
        return TeamSeat(workspace, member, workspace.store.experiment(name)).record()


def test_who_saw_it_keeps_it_and_who_comes_later_believes_the_witness(tmp_path):
    name, (ann, bob, cy, dan) = deciders(tmp_path, "ann", "bob", "cy", "dan")
    bob.measure(name, 0, 24)
    bob.auto()
    cy.share()
    ann.admit("bob", remove=True)
    for mate in (ann, cy, dan):  # of whom cy alone saw it before
        mate.share()
        assert mate.experiment(name).status is Status.PROMOTED
        assert record(mate, name).decided.machine == bob.signer_id


def test_what_a_machine_signs_when_it_counts_no_longer_decides_nothing(tmp_path):
    name, (ann, bob, cy) = deciders(tmp_path, "ann", "bob", "cy")
    bob.measure(name, 0, 24)
    trade(ann, bob, cy)
    lease = bob.team.seen_by(bob.signer_id).lease_decision(name, 1.0)
    late = bob.forge(name, lease)
    ann.admit("bob", remove=True)
    bob.team.decisions[name].append(late)
    bob.team.now += 10_000.0
    for mate in (bob, cy, ann):
        mate.share()
    found = record(cy, name)
    assert found.decided is None
    assert [it.sentence for it in found.aside] == [
        f"decision 0 of {bob.signer_id}: that machine may not decide it"
    ]
    assert cy.experiment(name).status is Status.RUNNING


def test_a_witness_of_what_the_plan_leaves_to_others_changes_nothing(tmp_path):
    """The owner bears witness of all that a machine said; the plan says who decides."""
    name, (ann, bob, cy) = deciders(tmp_path, "ann", "bob", "cy", machines=("f" * 16,))
    bob.measure(name, 0, 24)
    bob.exchange()
    lease = bob.team.seen_by(bob.signer_id).lease_decision(name, 1.0)
    row = bob.forge(name, lease)
    bob.team.decisions[name].append(row)
    with ann.member() as (workspace, member):
        bear_witness(member, row, terms_sha256(workspace.store.experiment(name)))
    assert record(cy, name).decided is None


def test_a_plan_that_another_published_first_makes_no_witness_false(tmp_path):
    """Else it would be decided twice, in opposite ways."""
    name, (ann, bob, cy) = deciders(tmp_path, "ann", "bob", "cy")
    forged = PublishedExperiment(name, "0" * 64, b"", bob.signer_id, b"", 0)
    ann.team.experiments[name] = forged
    bob.measure(name, 0, 24)
    bob.auto()
    ann.admit("bob", remove=True)
    cy.measure(name, 0, 24, {"control": 20.0, "treatment": 100.0})
    cy.auto()
    assert len(ann.team.decisions[name]) == 1
    assert cy.experiment(name).status is Status.PROMOTED


def test_rows_that_a_machine_never_signed_get_no_witness(tmp_path):
    name, (ann, bob, cy) = deciders(tmp_path, "ann", "bob", "cy")
    bob.measure(name, 0, 24)
    bob.auto()
    (row,) = ann.team.decisions[name]
    ann.team.decisions[name] += [row._replace(generation=n) for n in range(1, 9)]
    ann.team.decisions[name] += [
        row._replace(generation=n, document=b"%d" % n) for n in range(9, 50)
    ]
    before = len(ann.team.notes[name])
    ann.admit("bob", remove=True)
    assert len(ann.team.notes[name]) == before + 1
    assert record(cy, name).decided.machine == bob.signer_id


def test_no_witness_lets_one_decide_who_never_might(tmp_path):
    name, (ann, bob, cy) = deciders(tmp_path, "ann", "bob", "cy", admitted=("ann", "cy"))
    bob.measure(name, 0, 24)
    bob.exchange()
    lease = bob.team.seen_by(bob.signer_id).lease_decision(name, 1.0)
    bob.team.decisions[name].append(bob.forge(name, lease))
    ann.admit("bob", remove=True)
    assert record(cy, name).decided is None


def test_rows_that_nobody_can_read_keep_nobody_from_removing_a_machine(tmp_path, monkeypatch):
    name, (ann, bob, cy) = deciders(tmp_path, "ann", "bob", "cy")
    bob.measure(name, 0, 24)
    bob.auto()
    ann.share()

    def too_large(*_):
        raise CorruptStoreError("It is 72 MB.")

    with monkeypatch.context() as flooded:
        for which in ("decisions", "published"):
            flooded.setattr(type(ann.team.seen_by("")), which, too_large)
        ann.admit("bob", remove=True)
    assert record(cy, name).decided.machine == bob.signer_id


class _Removing:
    """A store in which the owner removes a machine as soon as that did something."""

    def __init__(self, store, verb, remove):
        self._store, self._verb, self._remove = store, verb, remove

    def __getattr__(self, name):
        known = getattr(self._store, name)

        def then_removed(*asked):
            said = known(*asked)
            self._remove()
            return said

        return then_removed if name == self._verb else known


@pytest.mark.parametrize("verb", ["lease_decision", "decide"])
def test_one_that_is_removed_while_it_decides_carries_nothing_out(tmp_path, monkeypatch, verb):
    name, (ann, bob, cy) = deciders(tmp_path, "ann", "bob", "cy")
    bob.measure(name, 0, 24)
    trade(ann, bob, cy)
    done = []

    def carry_out(*_):
        done.append("by bob")
        return CarriedOut(COMMIT, "main", "")

    with monkeypatch.context() as watched:
        watched.setattr(team_settling, "carry_out", carry_out)
        step = bob.auto(
            exchange=lambda it: _Removing(it, verb, lambda: ann.admit("bob", remove=True))
        )
    assert step.error == "refused"
    assert "the owner admits it no longer" in step.sentence
    assert done == []
    assert len(ann.team.decisions[name]) == (verb == "decide")


def told(mate, *machines):
    with mate.member() as (workspace, member):
        return decisions_of(workspace, member, machines)


def test_the_owner_hears_what_stands_and_what_is_in_flight(tmp_path, monkeypatch):
    name, (ann, bob, cy) = deciders(tmp_path, "ann", "bob", "cy")
    bob.measure(name, 0, 24)
    bob.exchange()
    with bob.member() as (workspace, member):
        seat = TeamSeat(workspace, member, workspace.store.experiment(name))
        lease = take_lease(workspace, member, seat.known, seat.experiment)
    (said,) = told(ann, bob.signer_id)
    assert f"{bob.signer_id} is deciding {name} just now" in said
    ann.team.seen_by(bob.signer_id).release(lease)

    def refuse(*_):
        raise GitError("The remote did not answer.")

    with monkeypatch.context() as broken:
        broken.setattr(team_settling, "carry_out", refuse)
        bob.auto()
    ann.admit("bob", remove=True)
    (said,) = told(ann, bob.signer_id)
    assert f"{bob.signer_id} decided {name} (promote); that stands, and is not carried" in said
    assert told(ann, cy.signer_id) == ()
    step = cy.auto()  # nobody had seen it before
    assert "commit c0ffee000000 on main" in step.sentence
    assert f"Counted: {bob.signer_id} (bob)." in step.sentence
    assert "Not counted" not in step.sentence
    (said,) = told(ann, bob.signer_id)
    assert said.endswith("that stands.")
