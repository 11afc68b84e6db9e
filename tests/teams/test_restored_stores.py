"""A store that was restored to an earlier moment: nobody forgets, and all is brought again."""

import contextlib
import shutil
from copy import deepcopy
from dataclasses import replace

import pytest
from tests.teams.teammates import team_of

from meta_experiment.errors import RefusedError
from meta_experiment.model.plan_document import plan_sha256
from meta_experiment.services.teams import checking_store
from meta_experiment.services.teams.exchange_note import sentences
from meta_experiment.types import TeamTerms


def _kept(team):
    """Keep what a store has, as a backup does; what is returned puts it back."""
    kept = deepcopy({key: value for key, value in vars(team).items() if key != "lock"})
    return lambda: vars(team).update(deepcopy(kept))


def _check(mate):
    with mate.member() as (workspace, member):
        report = checking_store.check_store(workspace, member)
    return report.healthy, [item.detail for item in report.findings]


def _said(mate):
    with mate.at_work() as workspace:
        return " ".join(sentences(workspace.layout))


def _word(team, machine):
    return max((word for (name, _), word in team.admissions.items() if name == machine),
               key=lambda word: word.number, default=None)  # fmt: skip


@pytest.fixture
def three(tmp_path):
    """Give an experiment of three, of whom one is not admitted yet, and nothing is shipped."""
    made, mates = team_of(tmp_path, "ann", "bob", "eve")
    return made, *mates


def test_who_was_admitted_since_counts_as_before(tmp_path):
    """It joins again by itself; then whoever saw the owner's word on it brings that again."""
    made, (ann, bob) = team_of(tmp_path, "ann", "bob")
    put_back = _kept(ann.team)
    eve = type(ann)(tmp_path, "eve", ann.team).clone(bob.root)
    machine = eve.join()
    ann.admit(machine)
    eve.record(made, ["e-1"])
    for mate in (eve, ann, bob):
        mate.exchange()
    put_back()
    assert machine not in ann.team.keys
    told = bob.exchange()
    assert told.not_counted == {}
    assert told.experiments[0].removed == 0
    assert set(bob.counts(made)) == {"e-1"}
    assert machine not in ann.team.keys
    eve.record(made, ["e-2"])
    told = eve.exchange()
    assert told.lost[0] == "that this machine joined"
    bob.exchange()
    assert _word(ann.team, machine).counts
    ann.exchange()
    assert set(ann.counts(made)) == {"e-1", "e-2"}
    assert ann.team.keys[machine].name == "eve"
    for mate in (ann, bob, eve):
        mate.exchange()
        assert _check(mate)[0]


def test_who_counts_no_longer_does_not_count_again(three):
    """Its trials were let go, and stay away; who asks the store for the first time is told."""
    made, ann, bob, eve = three
    eve.record(made, ["e-1"])
    put_back = _kept(ann.team)
    ann.admit("eve", remove=True)
    bob.exchange()
    put_back()
    eve.exchange()
    assert list(bob.exchange().not_counted.values()) == ["the owner admits it no longer"]
    assert bob.counts(made) == {}
    assert not _word(ann.team, eve.join()).counts
    assert ann.counts(made) == {}


def test_a_machine_that_the_store_knows_nothing_of_loses_nothing_here(tmp_path):
    """Somebody's word alone takes trials away; of one that a plan names there may be none."""
    made, (ann, bob) = team_of(tmp_path, "ann", "bob")
    put_back = _kept(ann.team)
    eve = type(ann)(tmp_path, "eve", ann.team).clone(bob.root)
    named = TeamTerms("main", machines=(eve.join(),))

    def naming(experiment):
        plan = replace(experiment.plan, team=named)
        digest = plan_sha256(plan, experiment.versions)
        return replace(experiment, plan=plan, plan_sha256=digest)

    for mate in (bob, eve):
        with mate.at_work() as workspace:
            workspace.store.change(made, naming)
    eve.record(made, ["e-1"])
    eve.exchange()
    bob.exchange()
    assert set(bob.counts(made)) == {"e-1"}
    put_back()
    assert bob.exchange().experiments[0].removed == 0
    assert set(bob.counts(made)) == {"e-1"}
    eve.record(made, ["e-2"])
    eve.exchange()
    bob.exchange()
    assert set(bob.counts(made)) == {"e-1", "e-2"}


def test_what_this_checkout_admitted_goes_by_its_own_word(tmp_path):
    """And comes again by it."""
    made, (ann, bob) = team_of(tmp_path, "ann", "bob")
    eve = type(ann)(tmp_path, "eve", ann.team).clone(bob.root)
    eve.join()
    eve.record(made, ["e-1"])
    eve.exchange()
    bob.admit("eve", here=True)
    bob.exchange()
    assert set(bob.counts(made)) == {"e-1"}
    bob.admit("eve", here=True, remove=True)
    assert bob.exchange().experiments[0].removed == 1
    assert bob.counts(made) == {}
    bob.admit("eve", here=True)
    bob.exchange()
    assert set(bob.counts(made)) == {"e-1"}


def test_logs_and_plans_that_it_lost_come_again(three):
    """Whole, from who wrote them; until then the others keep what they have."""
    made, ann, bob, eve = three
    before_all = _kept(ann.team)
    for number in range(3):
        ann.record(made, [f"a-{number}"])
        bob.record(made, [f"b-{number}"])
        for mate in (ann, bob, eve):
            mate.exchange()
        if number == 0:
            after_one = _kept(ann.team)
    whole = eve.trials(made)
    for put_back in (after_one, before_all):
        put_back()
        healthy, found = _check(ann)
        assert not healthy
        assert any("went back to an earlier moment" in said for said in found)
        assert eve.exchange().experiments[0].removed == 0
        told = ann.exchange()
        assert "bytes of this machine's logs" in " ".join(told.lost)
        bob.exchange()
        for mate in (ann, bob, eve):
            mate.exchange()
            assert mate.trials(made) == whole
            assert _check(mate)[0], _check(mate)
    assert made in ann.team.experiments
    assert any(made in said for said in told.lost if "plan" in said)


def test_the_board_says_so_for_a_week(three):
    """Not longer, and not after a store that was only behind."""
    made, ann, _, _ = three
    ann.record(made, ["a-1"])
    put_back = _kept(ann.team)
    ann.exchange()
    assert "earlier moment" not in _said(ann)
    ann.exchange()
    assert "earlier moment" not in _said(ann)
    put_back()
    ann.exchange()
    ann.exchange()
    assert "earlier moment" in _said(ann)
    for _ in range(8 * 86400):
        next(ann._ticks)
    ann.exchange()
    assert "earlier moment" not in _said(ann)


def test_a_project_that_it_lost_is_made_again_by_its_owner(three):
    """Nobody else; all that was known of it comes back."""
    made, ann, bob, eve = three
    for mate in (ann, bob, eve):
        mate.record(made, [mate.name])
        mate.exchange()
    vars(ann.team).update(vars(type(ann.team)(ann.team.project)))
    with pytest.raises(RefusedError) as refused:
        bob.exchange()
    assert "--create" in refused.value.hint
    ann.join()
    for _ in range(2):
        for mate in (ann, bob, eve):
            mate.exchange()
    assert ann.trials(made) == bob.trials(made) == eve.trials(made)
    assert len(ann.trials(made)) == 3


@pytest.mark.parametrize("first", [True, False])
def test_opposite_words_under_one_number_are_settled_alike(tmp_path, first):
    """No longer wins, whoever said it first: two machines have the owner's key."""
    made, (ann, bob) = team_of(tmp_path, "ann", "bob")
    bob.record(made, ["b-1"])
    bob.exchange()
    copy = type(ann)(tmp_path, "ann again", ann.team).clone(bob.root)
    shutil.copytree(ann.home, copy.home, dirs_exist_ok=True)
    machine = copy.join() and bob.join()
    put_back = _kept(ann.team)
    ann.admit("bob", remove=first)
    put_back()
    with contextlib.suppress(RefusedError):
        copy.admit("bob", remove=not first)
    words = {word.number: word.counts for word in ann.team.admissions.values()}
    assert words == {1: True, 2: first}
    for mate in (bob, ann, copy, bob):
        mate.exchange()
    assert not _word(ann.team, machine).counts
    assert ann.counts(made) == copy.counts(made) == {}
    for mate in (ann, copy, bob):
        assert mate.exchange().lost == ()


def test_what_a_stranger_put_in_the_place_of_a_word_holds_no_word_up(three):
    """The owner's next one takes the next free number."""
    made, ann, bob, eve = three
    machine = eve.join()
    good = ann.team.admissions[machine, 1]
    for number in (2, 3):
        forged = good._replace(number=number, signature=bytes(64))
        ann.team.admissions[machine, number] = forged
    ann.admit("eve", remove=True)
    eve.record(made, ["e-1"])
    eve.exchange()
    bob.exchange()
    assert bob.counts(made) == {}
    assert [word.number for word in ann.team.admissions.values() if not word.counts] == [4]
