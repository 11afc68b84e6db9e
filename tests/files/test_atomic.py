"""Replacing and appending survive a fault at every operation."""

from __future__ import annotations

import os
import subprocess

import pytest
from tests.faults import ALL_MODES, FATAL, Crash, count_operations, every_fault

from meta_experiment.files.atomic import TEMPORARY_SUFFIX, abandoned, write_atomically
from meta_experiment.files.durable import append_lines, ends_inside_a_line, ensure_directory
from meta_experiment.files.filesystem import FileSystem


def test_replacing_leaves_old_or_new(tmp_path):
    """Whatever fails, and wherever, the file has its old bytes or the new ones."""
    path = tmp_path / "file"

    def replace(files):
        write_atomically(files, path, b"new" * 1000, 0o644)

    path.write_bytes(b"old")
    operations = count_operations(replace)
    assert operations == 3
    for files in every_fault(operations):
        path.write_bytes(b"old")
        path.chmod(0o600)
        with pytest.raises((Crash, OSError)):
            replace(files)
        assert (path.read_bytes(), path.stat().st_mode & 0o777) in (
            (b"old", 0o600),
            (b"new" * 1000, 0o644),
        )
        leftovers = list(tmp_path.glob(f".*{TEMPORARY_SUFFIX}"))
        assert not leftovers or files.fault in FATAL
        for leftover in leftovers:
            leftover.unlink()


def test_appending_never_spoils_what_was_there(tmp_path):
    """Lines that were acknowledged stay whole through any later fault and repair."""
    for mode_index, files in enumerate(every_fault(4, ALL_MODES)):
        path = tmp_path / str(mode_index) / "deep" / "log"
        append_lines(FileSystem(), path, b"first\n")
        try:
            append_lines(files, path, b"second line\n")
            acknowledged = True
        except (Crash, OSError):
            acknowledged = False
        append_lines(FileSystem(), path, b"third\n")
        lines = path.read_bytes().split(b"\n")
        assert lines[0] == b"first"
        assert lines[-2:] == [b"third", b""]
        assert not acknowledged or b"second line" in lines


def test_new_file_and_directories_are_made_durable(tmp_path):
    """The entries of a new file and its new directories are synchronised as well."""
    from tests.faults import FaultyFileSystem

    files = FaultyFileSystem()
    append_lines(files, tmp_path / "a" / "b" / "log", b"x\n")
    assert [name for name, _ in files.operations] == [
        "make_directory",
        "sync_directory",
        "make_directory",
        "sync_directory",
        "append",
        "sync_directory",
        "append",
    ]
    assert files.operations[-2][1] == tmp_path / "a" / "b"


def test_state_of_a_tail(tmp_path):
    """A missing file, an empty one, a whole and a torn last line are told apart."""
    path = tmp_path / "log"
    assert ends_inside_a_line(path) is None
    for data, expected in ((b"", None), (b"a\n", False), (b"a\nb", True)):
        path.write_bytes(data)
        assert ends_inside_a_line(path) is expected


def test_new_directories_are_private(tmp_path):
    """Nobody else may look into what is made."""
    ensure_directory(FileSystem(), tmp_path / "a" / "b")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_append_refuses_links(tmp_path):
    """Appending does not follow a link out of the folder."""
    (tmp_path / "outside").write_text("text")
    (tmp_path / "log").symlink_to(tmp_path / "outside")
    with pytest.raises(OSError, match="symbolic link"):
        FileSystem().append(tmp_path / "log", b"x")
    assert (tmp_path / "outside").read_text() == "text"


def test_a_temporary_of_a_living_process_is_not_abandoned(tmp_path):
    """What another command is just writing stays; what a dead one left goes."""
    alive, dead = os.getppid(), subprocess.Popen(["true"])
    dead.wait()
    cases = {alive: False, dead.pid: True, os.getpid(): True, 10**30: True}
    for process, expected in cases.items():
        left = tmp_path / f".a.b.md.{process}.0a1b2c3d{TEMPORARY_SUFFIX}"
        left.touch()
        assert abandoned(left) is expected
    old = tmp_path / f".a.b.md.{alive}.0a1b2c3d{TEMPORARY_SUFFIX}"
    os.utime(old, (0, 0))
    assert abandoned(old)
    assert abandoned(tmp_path / f".strange{TEMPORARY_SUFFIX}")
    assert not abandoned(tmp_path / f".gone.{alive}.0{TEMPORARY_SUFFIX}")
