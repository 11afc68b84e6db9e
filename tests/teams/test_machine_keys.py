"""The key by which a machine signs, and what its signature is believed for."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from tests.faults import REFUSING, Crash, count_operations, every_fault

from meta_experiment.errors import StorageError
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.services.teams.machine_keys import KEY_FILE, own_signer
from meta_experiment.services.teams.signatures import is_signed
from meta_experiment.services.teams.statements import (
    admission_statement,
    batch_statement,
    fingerprint,
    machine_id,
    statement,
)
from meta_experiment.store.exchange import Batch, MachineAdmission

_PLAN = "a" * 64


def _signer(folder):
    return own_signer(os.fspath(folder), FileSystem(), "laptop")


def test_a_key_is_drawn_once_and_is_private(tmp_path):
    """The same the next time, for nobody else to read, its id that of its public key."""
    first, second = _signer(tmp_path), _signer(tmp_path)
    assert first.key == second.key
    assert first.machine == machine_id(first.key.public_key)
    assert len(first.machine) == 16
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_two_homes_have_two_keys(tmp_path):
    """Each is drawn by chance."""
    assert _signer(tmp_path / "one").machine != _signer(tmp_path / "other").machine


def _drawn(folder):
    return _signer(Path(folder)).machine


def test_processes_at_once_draw_one(tmp_path):
    """Whoever is first draws it for all."""
    with ProcessPoolExecutor(4, mp_context=get_context("fork")) as pool:
        drawn = set(pool.map(_drawn, [os.fspath(tmp_path)] * 8))
    assert len(drawn) == 1


def test_a_fault_while_it_is_drawn_leaves_none_or_a_whole_one(tmp_path):
    """What was half written is never taken for a key; the next draw is good."""
    total = count_operations(lambda files: own_signer(f"{tmp_path}/counted", files, "laptop"))
    for number, files in enumerate(every_fault(total)):
        folder = f"{tmp_path}/{number}"
        with pytest.raises((Crash, StorageError)):
            own_signer(folder, files, "laptop")
        whole = own_signer(folder, FileSystem(), "laptop")
        assert whole.key == own_signer(folder, FileSystem(), "laptop").key
    assert total >= len(REFUSING)


def test_what_is_no_key_is_refused(tmp_path):
    """It is not drawn anew: the team knows the one that was there."""
    (tmp_path / KEY_FILE).write_text("not hex\n")
    with pytest.raises(StorageError, match="holds no key"):
        _signer(tmp_path)
    with pytest.raises(StorageError, match="no home"):
        own_signer("", FileSystem(), "laptop")


def _batch(signer, **changes):
    known = Batch("exp-1", signer.machine, "1a2b3c4d-host-0.jsonl", 100, b"{}\n", b"")
    return known._replace(**changes)


@pytest.mark.parametrize(
    ("project", "plan", "changes"),
    [
        ("other", _PLAN, {}),
        ("project", "b" * 64, {}),
        ("project", _PLAN, {"experiment_id": "exp-2"}),
        ("project", _PLAN, {"machine": "0" * 16}),
        ("project", _PLAN, {"log": "1a2b3c4d-host-1.jsonl"}),
        ("project", _PLAN, {"first": 10}),
        ("project", _PLAN, {"lines": b"{ }\n"}),
    ],
)
def test_a_signature_holds_for_one_place_alone(tmp_path, project, plan, changes):
    """Lines that are brought elsewhere, or changed, are not signed there."""
    signer = _signer(tmp_path)
    signed = signer.sign(batch_statement("project", _PLAN, _batch(signer)))
    public = signer.key.public_key
    assert is_signed(public, signed, batch_statement("project", _PLAN, _batch(signer)))
    moved = batch_statement(project, plan, _batch(signer, **changes))
    assert not is_signed(public, signed, moved)


def test_what_is_said_of_one_thing_is_not_said_of_another():
    """Parts are told apart by their lengths, kinds by their names."""
    assert statement("batch", "ab", "c") != statement("batch", "a", "bc")
    assert statement("batch", "a") != statement("admission", "a")
    word = MachineAdmission("m", b"k", 1, counts=True, signature=b"")
    other = word._replace(counts=False)
    assert admission_statement("p", word) != admission_statement("p", other)


def test_bytes_that_are_no_key_have_signed_nothing(tmp_path):
    """Also not when the key or the signature is of the wrong length."""
    signer = _signer(tmp_path)
    assert not is_signed(b"short", signer.sign(b"x"), b"x")
    assert not is_signed(signer.key.public_key, b"short", b"x")
    assert not is_signed(_signer(tmp_path / "other").key.public_key, signer.sign(b"x"), b"x")


def test_a_fingerprint_is_all_of_the_digest(tmp_path):
    """People compare it by eye."""
    shown = fingerprint(_signer(tmp_path).key.public_key)
    assert shown.split()[0] + shown.split()[1] == _signer(tmp_path).machine
    assert len(shown.replace(" ", "")) == 64
