"""The file system as a port: every durable write passes through one of these methods.

Production code uses `FileSystem`. Tests subclass it to crash, fail, tear or count at the
N-th operation, so the list of mutating methods is deliberately short.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from meta_experiment.files.platform import sync, sync_folder
from meta_experiment.protocol.disk import PRIVATE_DIRECTORY, PRIVATE_FILE, make_folder
from meta_experiment.protocol.places import read_whole

# no link is followed, and a pipe in place of a file keeps nobody waiting
OWN_FLAGS: int = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class FileSystem:
    """The real disk. Mutating methods are durable when they return, or raise OSError."""

    def read(self, path: Path) -> bytes:
        """Return all bytes of a regular file."""
        return read_whole(path)

    def mode(self, path: Path) -> int:
        """Return the permission bits of a file, not following a final symlink."""
        return os.lstat(path).st_mode & 0o7777

    def make_directory(self, path: Path, mode: int = PRIVATE_DIRECTORY) -> None:
        """Create a directory and its missing parents, as `protocol.disk.make_folder`."""
        make_folder(os.fspath(path), mode)

    def create(
        self, path: Path, data: bytes, mode: int = PRIVATE_FILE, *, within: int | None = None
    ) -> None:
        """Write a file that must not exist yet, with exactly these permission bits.

        `within`, here and below, is the open directory that holds the path: what is named
        then cannot be led elsewhere by a link that somebody puts in the way.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | OWN_FLAGS
        descriptor = os.open(_named(path, within), flags, mode, dir_fd=within)
        try:
            os.fchmod(descriptor, mode)
            _write_all(descriptor, data)
            sync(descriptor)
        finally:
            os.close(descriptor)

    def append(self, path: Path, data: bytes | memoryview, *, durable: bool = True) -> None:
        """Add bytes at the end of a file in one write, creating it private when missing."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | OWN_FLAGS
        descriptor = os.open(path, flags, PRIVATE_FILE)
        try:
            _write_all(descriptor, data)
            if durable:
                sync(descriptor)
        finally:
            os.close(descriptor)

    def truncate(self, path: Path, size: int) -> None:
        """Cut a file back to its first `size` bytes."""
        descriptor = os.open(path, os.O_WRONLY | OWN_FLAGS)
        try:
            os.ftruncate(descriptor, size)
            sync(descriptor)
        finally:
            os.close(descriptor)

    def replace(self, source: Path, target: Path, *, within: int | None = None) -> None:
        """Move a file over another in one step; readers see the one or the other."""
        os.replace(
            _named(source, within), _named(target, within), src_dir_fd=within, dst_dir_fd=within
        )

    def remove(self, path: Path, *, within: int | None = None) -> None:
        """Delete a file; one that is already gone is no error."""
        with suppress(FileNotFoundError):
            os.unlink(_named(path, within), dir_fd=within)

    def remove_directory(self, path: Path) -> None:
        """Delete an empty directory; one that cannot go stays, and is no error."""
        with suppress(OSError):
            path.rmdir()

    def sync_file(self, path: Path) -> None:
        """Make what was appended to a file durable."""
        _sync(path)

    def sync_directory(self, path: Path) -> None:
        """Make renames and removals in a directory durable."""
        sync_folder(path)


def _named(path: Path, within: int | None) -> str | Path:
    return path if within is None else path.name


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | OWN_FLAGS)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
