"""Every verb that changes something, with faults of the disk and losses of power.

After a fault the next command finishes or undoes what was begun: files, registry and trials
are then those of before or of after. `python -m tests.chaos.full` takes every operation in
every mode; here the refusals are taken at every ninth.
"""

from __future__ import annotations

import random

import pytest
from tests.chaos.faulting import Trial
from tests.chaos.power import ForgetfulFileSystem
from tests.chaos.verbs import FILES, TREATMENT, VERBS, opened, project, seen, started
from tests.faults import REFUSING, Crash, FaultyFileSystem

from meta_experiment.files.filesystem import FileSystem
from meta_experiment.store.local import registry

pytestmark = pytest.mark.long


@pytest.mark.parametrize("verb", VERBS)
def test_a_fault_leaves_before_or_after_and_never_between(tmp_path, verb):
    """Dead at every operation; torn, out of space, refused and cut off at some."""
    trial = Trial(VERBS[verb], tmp_path)
    trial.fault("crash")
    trial.fault("power", every=4, cuts=1)
    for number, mode in enumerate(("torn", *REFUSING)):
        trial.fault(mode, every=9, seed=number)
    assert trial.counts["crash"] == trial.operations
    assert trial.counts["power"] == trial.operations // 4 + 1
    assert trial.found >= {trial.before}


def test_a_recovery_may_be_cut_off_as_well(tmp_path):
    """A fault at every operation of the recovery, and the next one still ends it."""
    trial = Trial(VERBS["promote"], tmp_path)
    trial.fault_while_recovering("crash", every=11)
    trial.fault_while_recovering("eio", every=30)
    assert trial.counts["recovering"] > 10


@pytest.mark.parametrize("kind", ["command", "skill", "agent"])
def test_what_is_served_is_put_up_and_taken_away_whole(tmp_path, kind):
    """Dead at some operations of a start and a stop in a repository: all there, or none."""
    for number, verb in enumerate(("start", "stop")):
        trial = Trial(VERBS[verb], tmp_path / verb, kind)
        trial.fault("crash", every=23, seed=5 + number)


def test_the_faulty_disk_would_show_a_change_without_a_journal(tmp_path):
    """The test can fail: two files written one after the other are caught in between."""
    root = tmp_path / "root"
    project(root, "plain files")
    started(root)

    def careless(files):
        for name in FILES:
            place = root / name
            files.create(place.with_suffix(".tmp"), TREATMENT)
            files.replace(place.with_suffix(".tmp"), place)

    with pytest.raises(Crash):
        careless(FaultyFileSystem(3, "crash"))
    digests = {digest for path, digest, _ in seen(root).files if path in FILES}
    assert len(digests) == 2


def test_the_power_cut_would_show_a_missing_sync(tmp_path, monkeypatch):
    """The test can fail: a registry renamed into place without a sync of its folder is lost."""
    trial = Trial(VERBS["pause"], tmp_path)

    def careless(files, path, data, mode=0o600):
        temporary = path.with_suffix(".meta-tmp")
        files.create(temporary, data, mode)
        files.replace(temporary, path)

    monkeypatch.setattr(registry, "write_atomically", careless)
    with pytest.raises(AssertionError, match="acknowledged, and lost"):
        trial.fault("power", cuts=1)


def test_the_forgetful_disk_loses_what_was_not_synced_and_nothing_else(tmp_path):
    """Unsynced bytes and names may go, in any order; synced ones stay."""
    root, outcomes = tmp_path / "root", set()
    for seed in range(40):
        root.mkdir()
        (root / "old").write_bytes(b"old")
        files = ForgetfulFileSystem(root)
        files.create(root / "safe", b"safe")
        files.append(root / "log", b"safe\n")
        files.sync_directory(root)
        files.append(root / "log", b"lost\n", durable=False)
        files.create(root / "new", b"new")
        files.replace(root / "new", root / "old")
        (root / "folder").mkdir()
        assert files.unsafe == 4
        chance = random.Random(seed)  # noqa: S311
        files.cut(lambda chance=chance: chance.random() < 0.5)
        assert (root / "safe").read_bytes() == b"safe"
        state = ((root / "log").read_bytes(), (root / "old").read_bytes())
        outcomes.add((*state, (root / "folder").exists()))
        for path in sorted(root.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        root.rmdir()
    assert outcomes == {
        (log, old, folder)
        for log in (b"safe\n", b"safe\nlost\n")
        for old in (b"old", b"new")
        for folder in (True, False)
    }


def test_a_look_changes_nothing(tmp_path):
    """What the comparison relies on: two looks at one root see the same."""
    root = tmp_path / "root"
    project(root, "plain files")
    started(root)
    assert seen(root) == seen(root)
    assert isinstance(opened(root).files, FileSystem)
