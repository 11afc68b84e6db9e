"""Private files, opened and written with `os` alone."""

from __future__ import annotations

import os

from meta_experiment.protocol.places import is_private, is_state, refuse_links_to_state

PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700
IGNORE_FILE = ".gitignore"
IGNORE_ALL = b"*\n"
_SHARED_DIRECTORY = 0o755
_TRIES = 50  # a folder that is tidied away beside us is made anew as often


def open_private(path: str, flags: int) -> int:
    """Open a file that is no link and keeps nobody waiting, making its folder where missing.

    Raises OSError, also where a link leads out of the state.
    """
    refuse_links_to_state(path)
    flags |= os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    for _ in range(_TRIES):
        try:
            return os.open(path, flags, PRIVATE_FILE)
        except FileNotFoundError:
            try:
                make_folder(os.path.dirname(path))
            except FileNotFoundError:
                continue  # one around it went meanwhile
    return os.open(path, flags, PRIVATE_FILE)


def make_folder(path: str, mode: int = PRIVATE_DIRECTORY) -> None:
    """Make a folder and those around it that are missing, private but for the client's own.

    One that is there stays as it is. What is private tells git to ignore it, by a file of its
    own: one around it is not there on a branch that is older. Raises OSError.
    """
    around, name = os.path.split(path)
    if around and not os.path.isdir(around):
        make_folder(around, mode)
    try:
        shared = name == ".claude" and not is_state(path)  # it holds the client's files as well
        os.mkdir(path, _SHARED_DIRECTORY if shared else mode)
    except FileExistsError:
        if not os.path.isdir(path):
            raise
    else:
        if is_private(path):
            _ignore_all(path)


def _ignore_all(folder: str) -> None:
    """Write the file by which a new folder ignores itself; without it there is no folder."""
    name = f"{folder}/{IGNORE_FILE}"
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        put(descriptor, IGNORE_ALL)
        os.fsync(descriptor)
    except OSError:
        os.unlink(name)
        os.rmdir(folder)
        raise
    finally:
        os.close(descriptor)


def put(descriptor: int, data: bytes) -> None:
    """Write all of the data. Raises OSError."""
    while data:
        data = data[os.write(descriptor, data) :]


def time_of_change(path: str) -> float:
    """Return when a file or folder changed, in seconds since the epoch; 0 without one."""
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0
