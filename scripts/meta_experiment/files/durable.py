"""Appending so that what was acknowledged survives and a torn tail harms nobody."""

from __future__ import annotations

import os
from pathlib import Path

from meta_experiment.files.filesystem import OWN_FLAGS, FileSystem
from meta_experiment.protocol.disk import PRIVATE_DIRECTORY


def ensure_directory(files: FileSystem, path: Path, mode: int = PRIVATE_DIRECTORY) -> None:
    """Create a directory and its missing parents, durably. Raises OSError."""
    if path.is_dir():
        return
    ensure_directory(files, path.parent, mode)
    files.make_directory(path, mode)
    files.sync_directory(path.parent)


def append_lines(files: FileSystem, path: Path, lines: bytes) -> None:
    """Add whole lines to a file, durable on return, also when the file is new.

    A tail that a crash left without its newline is closed off first, so that it spoils
    its own line only. Raises OSError.
    """
    unfinished = ends_inside_a_line(path)
    if unfinished is None:
        make_empty(files, path)
    files.append(path, b"\n" + lines if unfinished else lines)


def make_empty(files: FileSystem, path: Path) -> None:
    """Make a file that is there to be appended to, its name durable before its first line.

    Later writers find the file and rely on its name, also after one that died at once, so
    a file without a byte counts as not made yet. Raises OSError.
    """
    ensure_directory(files, path.parent)
    files.append(path, b"", durable=False)
    files.sync_directory(path.parent)


def ends_inside_a_line(path: Path) -> bool | None:
    """Tell whether a file does not end with a newline; None without the file or a byte."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | OWN_FLAGS), "rb") as stream:
            if stream.seek(0, os.SEEK_END) == 0:
                return None
            stream.seek(-1, os.SEEK_END)
            return stream.read(1) != b"\n"
    except FileNotFoundError:
        return None
