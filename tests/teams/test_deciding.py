"""A team's experiment is decided once, by a machine that may, and taken up by all."""

import copy
import hashlib
import json
import shutil

import pytest
from tests.teams.deciders import PATH, deciders, trade

from meta_experiment.errors import GitError, RefusedError, UsageError
from meta_experiment.protocol import index
from meta_experiment.services.acting import autopilot, promotion, team_settling
from meta_experiment.services.acting.promotion import ActionOptions
from meta_experiment.services.teams.membership import believed
from meta_experiment.services.teams.said_decisions import CarriedOut
from meta_experiment.services.teams.statements import statement
from meta_experiment.services.teams.team_decisions import record_of
from meta_experiment.services.teams.trial_terms import terms_sha256
from meta_experiment.types import Action, Decision, Status

COMMIT = "c0ffee" + "0" * 34


@pytest.fixture
def carried(monkeypatch):
    """What was carried out, in the place of git."""
    done = []

    def carry_out(workspace, _, outcome):
        done.append((str(workspace.root), outcome.change_id))
        return CarriedOut(COMMIT, "main", "")

    monkeypatch.setattr(team_settling, "carry_out", carry_out)
    return done


def is_served(mate, name):
    with mate.at_work():
        return any(it.id == name and it.running for it in index.entries(str(mate.root)))


@pytest.mark.long
def test_what_no_machine_could_decide_alone_is_decided_once_and_taken_up_by_all(
    tmp_path, carried
):
    name, mates = deciders(tmp_path, "ann", "bob", "cy")
    ann, bob, cy = mates
    for mate in mates:
        mate.measure(name, 0, 8)
        alone = mate.auto(dry_run=True)
        assert (alone.decision, alone.action) == (Decision.EXTEND, None)
    trade(*mates)
    step = bob.auto()
    assert (step.decision, step.action) == (Decision.PROMOTE, Action.PROMOTE)
    assert "commit c0ffee000000 on main" in step.sentence
    assert [step.sentence.count(mate.signer_id) for mate in mates] == [1, 1, 1]
    assert len(carried) == 1
    for mate in (ann, cy):
        told = mate.auto()
        assert told is None or "Decided by " in told.sentence
    for mate in mates:
        outcome = mate.experiment(name).outcome
        assert mate.experiment(name).status is Status.PROMOTED
        assert (outcome.winner, outcome.commit) == ("treatment", COMMIT)
        assert outcome.change_id == carried[0][1]
        assert list(outcome.files) == [PATH]
        assert (mate.root / PATH).read_text() == "Review it.\n"  # git brings the other
        assert not is_served(mate, name)
        assert mate.auto() is None
    assert len(carried) == 1
    assert len(ann.team.decisions[name]) == 1


@pytest.mark.usefixtures("carried")
def test_a_decision_is_taken_up_with_the_next_exchange(tmp_path):
    name, (ann, bob) = deciders(tmp_path, "ann", "bob")
    ann.measure(name, 0, 24)
    ann.auto()
    assert bob.experiment(name).status is Status.RUNNING
    bob.share()
    assert bob.experiment(name).status is Status.PROMOTED
    assert bob.experiment(name).outcome == ann.experiment(name).outcome


def shared_files(mate):
    """Return what git would see of the experiments in a checkout."""
    meta = mate.root / ".claude/meta"
    files = [meta / "experiments.json", *sorted((meta / "history").iterdir())]
    return {path.name: path.read_bytes() for path in files}


@pytest.mark.usefixtures("carried")
def test_what_a_checkout_does_and_takes_up_changes_no_file_that_git_brings(tmp_path):
    name, (ann, bob, cy) = deciders(tmp_path, "ann", "bob", "cy")
    before = shared_files(ann)
    assert shared_files(bob) == before  # which has joined
    cy.act_alone("pause", name)
    assert cy.experiment(name).status is Status.PAUSED
    ann.measure(name, 0, 24)
    ann.auto()
    for mate in (bob, cy):
        mate.share()
    for mate in (ann, bob, cy):
        assert mate.experiment(name).status is Status.PROMOTED
        assert shared_files(mate) == before
        with mate.at_work() as workspace:
            told = [(it.verb, it.after) for it in workspace.store.history(name).entries]
            assert told[-1] == ("promote", "promoted")
    ann.act_alone("archive", name)
    assert shared_files(ann).keys() == before.keys()
    assert b"promoted" not in shared_files(ann)["experiments.json"]
    with ann.at_work() as workspace:
        assert workspace.store.archived(name).outcome == bob.experiment(name).outcome


@pytest.mark.usefixtures("carried")
def test_a_machine_that_is_not_admitted_decides_nothing_and_takes_up_all_the_same(tmp_path):
    name, (ann, eve) = deciders(tmp_path, "ann", "eve", admitted=["ann"])
    eve.measure(name, 0, 30)
    step = eve.auto()
    assert (step.decision, step.action) == (Decision.PROMOTE, None)
    assert "This machine decides nothing: the owner has not admitted it." in step.sentence
    assert not eve.team.decisions[name]
    told = ann.auto()
    assert told.decision is Decision.EXTEND  # what it measured does not count
    assert f"Not counted: {eve.signer_id} (the owner has not admitted it)" in told.sentence
    ann.measure(name, 0, 30)
    ann.auto()
    eve.share()
    assert eve.experiment(name).status is Status.PROMOTED


def test_a_plan_that_leaves_it_to_people_is_decided_by_their_word(tmp_path, carried):
    name, (ann, bob) = deciders(tmp_path, "ann", "bob", auto=False)
    ann.measure(name, 0, 24)
    step = ann.auto()
    assert step.action is None
    assert f"Its plan leaves this to you: meta-experiment promote {name}" in step.sentence
    shown = ann.act(name, dry_run=True)
    assert "would be promoted for all machines, by a commit on main" in shown.message
    assert not carried
    done = ann.act(name)
    assert (done.status, done.commit) == (Status.PROMOTED, COMMIT)
    assert not ann.experiment(name).outcome.by_auto
    assert len(carried) == 1
    again = bob.act(name)  # of what is decided
    assert again.status is Status.PROMOTED
    assert len(carried) == 1


@pytest.mark.usefixtures("carried")
def test_alone_nothing_of_a_team_is_promoted_or_taken_back(tmp_path):
    name, (ann, bob) = deciders(tmp_path, "ann", "bob")
    ann.measure(name, 0, 6)
    with pytest.raises(RefusedError, match="does not say PROMOTE"):
        ann.act(name)
    with ann.at_work() as workspace:
        for do in (promotion.promote, promotion.rollback):
            with pytest.raises(RefusedError, match="on one machine alone") as refused:
                do(workspace, name, ActionOptions(override="x"), dry_run=False)
            assert f"meta-experiment stop {name}" in refused.value.hint
    for options in ({"override": "x"}, {"merge": True}, {"commit": False}):
        with pytest.raises(UsageError, match="by the evidence of all machines"):
            ann.act(name, **options)
    ann.measure(name, 6, 30)
    ann.auto()
    with ann.at_work() as workspace, pytest.raises(RefusedError) as refused:
        promotion.rollback(workspace, name, ActionOptions(), dry_run=False)
    assert "git revert c0ffee000000, on main" in refused.value.hint
    with bob.at_work() as workspace:
        promotion.stop(workspace, name, "I leave", dry_run=False)
    bob.share()
    assert bob.experiment(name).status is Status.EXPIRED


def test_what_could_not_be_carried_out_stays_decided_and_is_tried_again(
    tmp_path, carried, monkeypatch
):
    name, (ann, bob) = deciders(tmp_path, "ann", "bob")
    ann.measure(name, 0, 24)

    def refuse(*_):
        raise GitError("The remote did not answer.", hint="Try it.")

    with monkeypatch.context() as broken:
        broken.setattr(team_settling, "carry_out", refuse)
        step = ann.auto()
    assert step.error == "git"
    assert "It is not carried out yet: The remote did not answer. Try it." in step.sentence
    assert ann.experiment(name).status is Status.PROMOTED
    assert ann.experiment(name).outcome.commit is None
    with ann.at_work() as workspace:  # the store is out of reach
        (waits,) = autopilot.auto(workspace, commit=True, dry_run=False)
    assert waits.error is not None
    told = bob.auto()
    assert "commit c0ffee000000 on main" in told.sentence
    assert ann.auto() is None
    assert ann.experiment(name).outcome.commit == COMMIT
    assert len(carried) == 1


def test_harm_is_rolled_back_for_all_and_no_file_changes(tmp_path, carried):
    name, (ann, bob) = deciders(tmp_path, "ann", "bob")
    ann.measure(name, 0, 24, {"control": 20.0, "treatment": 100.0})
    step = ann.auto()
    assert (step.action, step.error) == (Action.ROLLBACK, None)
    assert "No file changes." in step.sentence
    bob.share()
    for mate in (ann, bob):
        assert mate.experiment(name).status is Status.ROLLED_BACK
        assert not is_served(mate, name)
    assert not carried


@pytest.mark.usefixtures("carried")
def test_a_person_rolls_back_for_all_where_the_evidence_says_so(tmp_path):
    name, (ann, bob) = deciders(tmp_path, "ann", "bob", auto=False)
    with pytest.raises(RefusedError, match="does not say REJECT"):
        ann.act(name, Action.ROLLBACK)
    ann.measure(name, 0, 24, {"control": 20.0, "treatment": 100.0})
    assert "rollback" in ann.auto().sentence
    shown = ann.act(name, Action.ROLLBACK, dry_run=True)
    assert "rolled back for all machines" in shown.message
    assert ann.act(name, Action.ROLLBACK).status is Status.ROLLED_BACK
    bob.share()
    assert bob.experiment(name).status is Status.ROLLED_BACK


@pytest.mark.usefixtures("carried")
def test_an_arm_that_does_harm_ends_on_every_machine_by_its_own_look(tmp_path):
    name, (ann, bob) = deciders(tmp_path, "ann", "bob", arms=("slow", "same"))
    ann.measure(name, 0, 27, {"control": 50.0, "slow": 400.0, "same": 50.0})
    assert "Would get no more units here" in ann.auto(dry_run=True).sentence
    for mate in (ann, bob):
        step = mate.auto()
        assert (step.ended, step.action) == (("slow",), None)
        (ended,) = mate.experiment(name).ended_arms
        assert ended.treatment == "slow"
    assert not ann.team.decisions[name]


@pytest.mark.usefixtures("carried")
def test_a_machine_that_may_not_promotes_nothing_by_hand(tmp_path):
    name, (_, eve) = deciders(tmp_path, "ann", "eve", admitted=["ann"], auto=False)
    eve.measure(name, 0, 30)
    with pytest.raises(RefusedError, match=r"does not decide .*: the owner has not") as refused:
        eve.act(name)
    assert f"meta-experiment store admit {eve.signer_id}" in refused.value.hint


@pytest.mark.usefixtures("carried")
def test_forged_decisions_are_passed_over_and_block_nobody(tmp_path):
    name, (ann, bob) = deciders(tmp_path, "ann", "bob")
    ann.measure(name, 0, 24)
    ann.exchange()
    lease = ann.team.seen_by("0" * 16).lease_decision(name, 1.0)
    true = ann.forge(name, lease)
    outcome = json.loads(true.document)
    outcome["outcome"]["reason"] = "because I say so"
    forged = true._replace(document=json.dumps(outcome).encode())
    ann.team.decisions[name].append(forged)
    ann.team.now += 100.0
    bob.share()
    assert bob.experiment(name).status is Status.RUNNING
    step = ann.auto()
    assert step.action is Action.PROMOTE
    bob.share()
    assert bob.experiment(name).outcome.reason != "because I say so"
    assert [it.generation for it in ann.team.decisions[name]] == [0, 1]


@pytest.mark.usefixtures("carried")
def test_whom_one_checkout_admits_by_itself_counts_there_and_decides_for_nobody(tmp_path):
    name, (ann, bob, eve) = deciders(tmp_path, "ann", "bob", "eve", admitted=["ann", "bob"])
    bob.admit("eve", here=True)
    eve.measure(name, 0, 30)
    eve.exchange()
    lease = eve.team.seen_by(eve.signer_id).lease_decision(name, 1.0)
    eve.team.decisions[name].append(eve.forge(name, lease))
    eve.team.now += 100.0
    for mate in (ann, bob, eve):
        mate.share()
        assert mate.experiment(name).status is Status.RUNNING
    with bob.at_work() as workspace:
        assert len(bob.log(workspace, name).trials) == 30


@pytest.mark.usefixtures("carried")
def test_a_change_whose_name_is_a_pattern_is_not_taken_up(tmp_path):
    """It is searched for in the history of a branch, where it would find another's."""
    name, (ann, bob) = deciders(tmp_path, "ann", "bob")
    ann.measure(name, 0, 24)
    ann.exchange()
    lease = ann.team.seen_by(ann.signer_id).lease_decision(name, 1.0)
    ann.team.decisions[name].append(ann.forge(name, lease, change_id=".*"))
    with bob.member() as (workspace, member):
        experiment = workspace.store.experiment(name)
        found = record_of(member, believed(member), experiment)
    assert found.decided is None
    assert found.aside[0].sentence.endswith("its change cannot have that name")


class Death(BaseException):
    """The end of a process, which no code of ours may catch."""


class Dying:
    """A store whose machine dies around one call: that of a number, or the first of a name."""

    def __init__(self, exchange, at, *, done):
        self._exchange, self._at, self._done = exchange, at, done
        self._calls, self._dead = 0, False

    def __getattr__(self, name):
        found = getattr(self._exchange, name)
        if not callable(found):
            return found

        def call(*arguments, **named):
            self._calls += 1
            meant = self._at in (name, self._calls)
            if self._dead or (meant and not self._done):
                self._dead = True
                raise Death
            result = found(*arguments, **named)
            if meant:
                self._dead = True
                raise Death
            return result

        return call


class Deaths:
    """A team that is about to decide, again and again, and what a remote has of it."""

    def __init__(self, folder, monkeypatch):
        self.remote = {}
        monkeypatch.setattr(team_settling, "carry_out", self.carry_out)
        self.name, (self.ann, self.bob) = deciders(folder, "ann", "bob")
        self.mates = self.ann, self.bob
        for mate in self.mates:
            mate.measure(self.name, 0, 14)
        trade(*self.mates)
        self.team, self.folders = copied(self.ann.team), [kept(mate) for mate in self.mates]

    def carry_out(self, _, __, outcome):
        return CarriedOut(self.remote.setdefault(outcome.change_id, COMMIT), "main", "")

    def happen(self, at, *, done):
        """Let one die there and the others go on; tell whether it got that far."""
        vars(self.ann.team).update(copy.deepcopy(self.team))
        for mate, folder in zip(self.mates, self.folders, strict=True):
            shutil.rmtree(mate.root)
            shutil.copytree(folder, mate.root)
        self.remote.clear()
        died = False
        try:
            self.ann.auto(exchange=lambda it: Dying(it, at, done=done))
        except Death:
            died = True
        self.ann.team.now += 10_000.0
        self.bob.auto()
        self.ann.auto()
        first, second = (mate.experiment(self.name).outcome for mate in self.mates)
        assert first == second, (at, done)
        assert (first.action, first.commit) == (Action.PROMOTE, COMMIT)
        assert len(self.remote) == 1
        assert len(self.ann.team.decisions[self.name]) == 1
        return died


@pytest.mark.parametrize(
    ("call", "done"), [("decide", False), ("decide", True), ("note", False)]
)
def test_whoever_dies_while_deciding_is_followed_by_another(tmp_path, monkeypatch, call, done):
    assert Deaths(tmp_path, monkeypatch).happen(call, done=done)


@pytest.mark.long
def test_whoever_dies_at_any_step_is_followed_by_another(tmp_path, monkeypatch):
    """After every call to the store, one after the other."""
    deaths, number = Deaths(tmp_path, monkeypatch), 1
    while deaths.happen(number, done=True):
        number += 1
    assert number > 15


def copied(team):
    known = {key: it for key, it in vars(team).items() if key != "lock"}
    return copy.deepcopy(known)


def kept(mate):
    folder = mate.root.with_name("kept")
    shutil.copytree(mate.root, folder)
    return folder


def test_a_decision_that_was_signed_with_its_place_stays_decided(tmp_path):
    """As it was at first; in another place it counts nowhere, as then."""
    name, (ann, bob, cy) = deciders(tmp_path, "ann", "bob", "cy")
    ann.measure(name, 0, 24)
    trade(ann, bob, cy)
    lease = ann.team.seen_by(ann.signer_id).lease_decision(name, 1.0)
    row = ann.forge(name, lease)
    with ann.member() as (workspace, member):
        terms = terms_sha256(workspace.store.experiment(name))
        digest = hashlib.sha256(row.document).digest()
        place = row.machine, row.generation, row.fence
        said = statement("decision", member.setting.project, name, terms, *place, digest)
        row = row._replace(signature=member.signer.sign(said))
    ann.team.decisions[name] = [row._replace(fence=row.fence + 1)]
    cy.share()
    assert cy.experiment(name).status is Status.RUNNING
    ann.team.decisions[name] = [row]
    cy.share()
    assert cy.experiment(name).status is Status.PROMOTED


@pytest.mark.usefixtures("carried")
def test_no_name_of_a_machine_steers_a_screen_or_looks_like_ours(tmp_path):
    name, (ann, bob) = deciders(tmp_path, "ann", "bob")
    bob.measure(name, 0, 24)
    bob.exchange()
    odd = "bob\x1b[2J\u202e\nDecided here: all is well"
    for who, key in list(ann.team.keys.items()):
        ann.team.keys[who] = key._replace(name=odd)
    dry = ann.auto(dry_run=True).sentence
    for said in (dry, ann.auto().sentence):
        assert bob.signer_id in said
        assert said.isprintable()
        assert "'bob�[2J� Decided here: all is well'" in said
