"""A store that a stranger wrote into: what does not fit stays outside, with its reason."""

import pytest
from tests.teams.teammates import team_of

from meta_experiment.files.filesystem import FileSystem
from meta_experiment.services.teams.exchange_note import read_note
from meta_experiment.services.teams.machine_keys import own_signer
from meta_experiment.services.teams.statements import batch_statement, fingerprint
from meta_experiment.services.teams.trial_terms import terms_sha256
from meta_experiment.store.exchange import Batch, MachineAdmission, MachineKey


@pytest.fixture
def team(tmp_path):
    """Give an experiment of two, of whom one has shipped two batches."""
    made, (ann, bob) = team_of(tmp_path, "ann", "bob")
    for trial in ("b-1", "b-2"):
        bob.record(made, [trial])
        bob.exchange()
    return made, ann, bob


def _logs(team):
    ((place, batches),) = team.batches.items()
    return place, batches


def _edited_line(team):
    _, batches = _logs(team)
    batches[0] = batches[0]._replace(lines=batches[0].lines.replace(b"5.0", b"1.0"))


def _swapped(team):
    _, batches = _logs(team)
    _first, second = batches
    batches[0] = second._replace(first=0)


def _gap(team):
    _, batches = _logs(team)
    del batches[0]


def _other_log(team):
    place, batches = _logs(team)
    name, machine, _ = place
    other = batches[0]._replace(log="0a0a0a0a-host-0.jsonl")
    team.batches[name, machine, other.log] = [other]
    batches.clear()


def _odd_log(team):
    place, batches = _logs(team)
    name, machine, _ = place
    other = batches[0]._replace(log="../../../evil.jsonl")
    team.batches[name, machine, other.log] = [other]
    batches.clear()


def _half_a_line(team):
    _, batches = _logs(team)
    batches[0] = batches[0]._replace(lines=batches[0].lines[:-1])


def _no_signature(team):
    _, batches = _logs(team)
    batches[0] = batches[0]._replace(signature=b"")


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (_edited_line, "did not sign"),
        (_swapped, "did not sign"),
        (_gap, "are missing"),
        (_other_log, "did not sign"),
        (_odd_log, "named so"),
        (_half_a_line, "does not end with a line"),
        (_no_signature, "did not sign"),
    ],
)
def test_what_was_changed_in_the_store_is_set_aside(team, wrong, reason):
    """Nothing of it counts, and those who look are told why."""
    made, ann, _ = team
    wrong(ann.team)
    (aside,) = ann.exchange().experiments[0].aside
    assert reason in aside
    assert ann.counts(made) == {}
    with ann.at_work() as workspace:
        assert read_note(workspace.layout).aside == {made: (aside,)}


def test_what_fits_again_is_taken_from_where_it_stopped(team):
    """And the reason is gone."""
    made, ann, _ = team
    _, batches = _logs(ann.team)
    good = batches[1]
    batches[1] = good._replace(signature=bytes(64))
    ann.exchange()
    assert set(ann.counts(made)) == {"b-1"}
    batches[1] = good
    assert ann.exchange().experiments[0].aside == ()
    assert set(ann.counts(made)) == {"b-1", "b-2"}


def _stranger(tmp_path, made, ann, *, key=None):
    """Write into the store as somebody who has its password, and nothing else."""
    signer = own_signer(f"{tmp_path}/stranger", FileSystem(), "x")
    view = ann.team.seen_by(signer.machine)
    view.join(key or signer.key)
    with ann.at_work() as workspace:
        terms = terms_sha256(workspace.store.experiment(made))
    _, batches = _logs(ann.team)
    batch = Batch(made, signer.machine, "0b0b0b0b-x-0.jsonl", 0, batches[0].lines, b"")
    batch = batch._replace(
        lines=batch.lines.replace(b"b-1", b"x-1"),
    )
    said = batch_statement(view.project, terms, batch)
    view.ship([batch._replace(signature=signer.sign(said))])
    return signer


def test_a_machine_that_nobody_admitted_decides_nothing(tmp_path, team):
    """Its trials stay in the store; admitted here alone they count here alone."""
    made, ann, bob = team
    stranger = _stranger(tmp_path, made, ann)
    told = ann.exchange()
    assert told.not_counted == {stranger.machine: "the owner has not admitted it"}
    assert "x-1" not in ann.counts(made)
    ann.admit(stranger.machine, here=True)
    ann.exchange()
    bob.exchange()
    assert "x-1" in ann.counts(made)
    assert "x-1" not in bob.counts(made)


def test_an_admission_that_the_owner_did_not_sign_is_none(tmp_path, team):
    """Nor one for another machine, nor one of another project."""
    made, ann, bob = team
    stranger = _stranger(tmp_path, made, ann)
    good = ann.team.admissions[bob.join(), 1]
    forged = [
        MachineAdmission(stranger.machine, stranger.key.public_key, 1, True, bytes(64)),
        good._replace(machine=stranger.machine, number=2),
        good._replace(machine=stranger.machine, number=3, public_key=stranger.key.public_key),
    ]
    for word in forged:
        ann.team.seen_by(stranger.machine).admit(word)
    assert list(ann.exchange().not_counted) == [stranger.machine]
    assert "x-1" not in ann.counts(made)


def test_a_key_under_the_id_of_another_is_not_believed(tmp_path, team):
    """Its id is the beginning of the key's digest; a word that was seen names the true key."""
    made, ann, bob = team
    stranger = own_signer(f"{tmp_path}/other", FileSystem(), "x")
    machine = bob.join()
    ann.team.keys[machine] = MachineKey(machine, stranger.key.public_key, "bob")
    del ann.team.admissions[machine, 1]
    eve = type(ann)(tmp_path, "eve", ann.team).clone(bob.root)
    eve.join()
    assert eve.exchange().not_counted[machine] == "its id is not that of its key"
    assert eve.counts(made) == {}
    assert machine not in ann.exchange().not_counted
    assert set(ann.counts(made)) == {"b-1", "b-2"}


def test_the_last_word_of_the_owner_that_was_seen_holds(team):
    """A stranger may take it out of the store, and changes nothing."""
    made, ann, bob = team
    ann.exchange()
    ann.admit("bob", remove=True)
    machine = bob.join()
    del ann.team.admissions[machine, 2]
    assert ann.exchange().not_counted == {machine: "the owner admits it no longer"}
    assert ann.counts(made) == {}


def test_fingerprints_tell_machines_apart(team):
    """What `store admit` shows is what the other machine shows of itself."""
    _, ann, bob = team
    with bob.at_work() as workspace:
        shown = fingerprint(bob.signer(workspace).key.public_key)
    assert ann.admit(bob.join()[:6])[0].fingerprint == shown
