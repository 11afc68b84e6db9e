"""Locks on files and folders that end with the process, for those that wait only a moment."""

from __future__ import annotations

import fcntl
import os
import time

from meta_experiment.protocol.disk import open_private

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_PAUSE = 0.002  # seconds


class NoLocksError(OSError):
    """The file system has no locks."""


class BusyError(OSError):
    """Another process is at it for longer than one waits: a later call is to do it."""


def locked(path: str, opened: Callable[[str], int], *, within: float) -> int | None:
    """Return the open file or folder that carries the lock; it goes with its closing.

    None when somebody else keeps it for longer than `within` seconds. What stood at the path
    while one waited, and does no more, is no lock.

    Raises:
        OSError: it cannot be opened, or locked.
    """
    deadline = time.monotonic() + within
    while True:
        descriptor = opened(path)
        if _is_locked(descriptor, path):
            return descriptor
        os.close(descriptor)
        if time.monotonic() >= deadline:
            return None
        time.sleep(_PAUSE)


def open_lock(path: str) -> int:
    """Open a file whose only purpose is its lock, made where it is missing. Raises OSError."""
    return open_private(path, os.O_RDWR | os.O_CREAT)


def open_there(path: str) -> int:
    """Open a folder or file that carries a lock beside its purpose. Raises OSError."""
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)


def _is_locked(descriptor: int, path: str) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except (BlockingIOError, FileNotFoundError):
        return False
    except OSError as error:
        os.close(descriptor)
        raise NoLocksError(error.errno, error.strerror, path) from error
