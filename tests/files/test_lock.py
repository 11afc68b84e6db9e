"""Locks exclude, wait no longer than allowed, name their holder and die with it."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from meta_experiment.errors import LockedError, StorageError
from meta_experiment.files.lock import FileLock

SCRIPTS = Path(__file__).parents[2] / "scripts"
HOLDER = """
import sys, time
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from meta_experiment.files.lock import FileLock
with FileLock(Path(sys.argv[1]), verb="promote"):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
    path = tmp_path / "locks" / "x.lock"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), str(SCRIPTS)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield path, process
    process.kill()
    process.wait()
    process.stdout.close()


def test_second_holder_is_refused_and_told_who_holds_it(holder):
    """A lock held by another process is refused after the wait, naming that process."""
    path, process = holder
    with pytest.raises(LockedError) as caught, FileLock(path, timeout=0.05):
        pass
    assert f"process {process.pid} on" in caught.value.message
    assert "promote" in caught.value.message
    assert caught.value.hint


def test_lock_of_a_killed_process_is_free(holder):
    """Nothing has to be cleaned up after a holder that was killed."""
    path, process = holder
    assert not FileLock(path).try_acquire(within=0)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with FileLock(path, timeout=1) as lock:
        assert lock.held


def test_wait_is_bounded_by_the_given_clock(tmp_path):
    """The wait ends when the clock says so, after short sleeps only."""
    now, naps = [0.0], []

    def sleep(seconds):
        naps.append(seconds)
        now[0] += seconds

    path = tmp_path / "a.lock"
    with FileLock(path):
        waiting = FileLock(path, timeout=0.05, clock=lambda: now[0], sleep=sleep)
        with pytest.raises(LockedError):
            waiting.__enter__()
    assert sum(naps) == pytest.approx(0.05)
    assert max(naps) <= 0.01


def test_lock_is_free_again_after_release(tmp_path):
    """Leaving the context frees the lock and clears the holder's name."""
    path = tmp_path / "a.lock"
    with FileLock(path, verb="create") as lock:
        owner = lock.owner()
        assert owner is not None
        assert owner.pid == str(os.getpid())
        assert owner.verb == "create"
    assert not lock.held
    assert lock.owner() is None
    with FileLock(path, timeout=0):
        pass


def test_one_object_does_not_take_its_lock_twice(tmp_path):
    """Taking a lock that this object holds is an error, not a deadlock."""
    lock = FileLock(tmp_path / "a.lock")
    with lock, pytest.raises(LockedError):
        lock.try_acquire()
    lock.release()


def test_deleted_lock_file_does_not_split_the_lock(tmp_path, monkeypatch):
    """A lock taken on a file that was deleted meanwhile is not taken for the real one."""
    path = tmp_path / "a.lock"
    first = FileLock(path)
    first.try_acquire()
    second = FileLock(path)
    opened = second._open()
    path.unlink()
    first.release()
    descriptors = [opened]
    real = second._open
    monkeypatch.setattr(second, "_open", lambda: descriptors.pop() if descriptors else real())
    assert second.try_acquire(within=1)
    assert not FileLock(path).try_acquire(within=0)
    second.release()


def test_lock_file_that_cannot_be_opened_is_a_storage_error(tmp_path):
    """A place where no lock file can be made is told apart from a held lock."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        FileLock(tmp_path / "file" / "a.lock").try_acquire()


@pytest.mark.parametrize(
    ("code", "words"),
    [(errno.ENOSPC, "free space"), (errno.EDQUOT, "free space"), (errno.ENOLCK, "file locks")],
)
def test_the_way_out_fits_what_the_disk_said(tmp_path, monkeypatch, code, words):
    """A full disk is not a disk without locks."""

    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("meta_experiment.files.lock.lock_now", refuse)
    with pytest.raises(StorageError) as caught:
        FileLock(tmp_path / "a.lock").try_acquire()
    assert words in caught.value.hint
    monkeypatch.setattr("os.open", refuse)
    with pytest.raises(StorageError) as caught:
        FileLock(tmp_path / "a.lock").try_acquire()
    assert words in caught.value.hint


def test_lock_file_is_not_followed_through_a_link(tmp_path):
    """A lock file exchanged for a link does not overwrite what the link points to."""
    target = tmp_path / "precious"
    target.write_text("text")
    (tmp_path / "a.lock").symlink_to(target)
    with pytest.raises(StorageError):
        FileLock(tmp_path / "a.lock").try_acquire()
    assert target.read_text() == "text"


def test_waiting_succeeds_when_the_holder_leaves(tmp_path):
    """Who waits gets the lock as soon as it is free."""
    path = tmp_path / "a.lock"
    waits = []
    first = FileLock(path)
    second = FileLock(path, sleep=lambda wait: (waits.append(wait), first.release()))
    first.try_acquire()
    with second:
        assert len(waits) == 1
