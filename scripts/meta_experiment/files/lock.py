"""Advisory locks with a bounded wait that name their holder.

The kernel frees a lock when its process ends, however it ends, so no lock outlives its
owner and none is ever broken by force. What stands in a lock file only says who holds it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from meta_experiment.errors import LockedError, StorageError
from meta_experiment.files import interruption
from meta_experiment.files.platform import lock_now, machine, sync_folder, unlock
from meta_experiment.protocol.disk import PRIVATE_FILE, make_folder

_PAUSE = 0.002
_MOST_HOLDERS = 60  # that are waited for, one after the other
_FOLDER_TRIES = 10  # a holder who leaves may take the folder away
_OWNER_LIMIT = 1024
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)


class Owner(NamedTuple):
    """The holder of a lock: process, machine, what it is doing, since when (epoch seconds)."""

    pid: str
    host: str
    verb: str
    since: str

    def __str__(self) -> str:
        """Name the holder in a message."""
        return f"process {self.pid} on {self.host} ({self.verb})"


class FileLock:
    """An exclusive lock on a path of its own, for one holder among all processes.

    Args:
        path: the lock file; created when missing, never deleted.
        timeout: the longest wait in seconds for one and the same holder, when used as a context
            manager: a queue that moves on is worth waiting in.
        verb: what the holder does, for the message to those who wait.
        clock: monotonic seconds; sleep: pause for seconds; both for tests.
    """

    def __init__(
        self,
        path: Path,
        *,
        timeout: float = 10.0,
        verb: str = "",
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.path = path
        self.timeout = timeout
        self.verb = verb
        self._clock = clock
        self._sleep = sleep
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def __enter__(self) -> Self:
        """Wait for the lock.

        Raises:
            LockedError: one other process holds it for longer than the timeout, or very many
                do one after the other.
            StorageError: the lock file cannot be opened or locked.
        """
        if self.try_acquire(0):
            return self
        for _ in range(_MOST_HOLDERS):
            holder = self.owner()
            if self.try_acquire(self.timeout):
                return self
            if self.owner() == holder:
                break
        raise LockedError(
            f"{self.path.name} is held by {self.owner() or 'another process'}; waited "
            f"{self.timeout:g} s.",
            hint="Wait for that command to end, then run this one again.",
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the lock back."""
        self.release()

    def try_acquire(self, within: float = 0.05) -> bool:
        """Take the lock within so many seconds; False when somebody else keeps it."""
        if self.held:
            raise LockedError(f"{self.path.name} is already held by this very object.")
        deadline = self._clock() + within
        try:
            while not self._take():
                left = deadline - self._clock()
                if left <= 0:
                    return False
                self._sleep(min(_PAUSE, left))
        except BaseException:  # a signal too: nobody would give back what it met just taken
            self.release()
            raise
        return True

    def release(self) -> None:
        """Give the lock back; one that is not held is left alone."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        try:
            os.ftruncate(descriptor, 0)
            unlock(descriptor)
        finally:
            os.close(descriptor)

    def fileno(self) -> int:
        """Return the open file that carries the held lock, to share with a child."""
        if self._descriptor is None:
            raise ValueError("the lock is not held")
        return self._descriptor

    def owner(self) -> Owner | None:
        """Return who holds the lock, as far as the lock file says."""
        try:
            with self.path.open("rb") as stream:
                text = stream.read(_OWNER_LIMIT)
        except OSError:
            return None
        parts = text.decode("utf-8", "replace").rstrip("\n").split("\t")
        return Owner(*parts) if len(parts) == len(Owner._fields) else None

    @interruption.held()
    def _take(self) -> bool:
        descriptor = self._open()
        taken = False
        try:
            taken = lock_now(descriptor) and self._is_current(descriptor)
            if taken:
                self._sign(descriptor)
        except OSError as error:
            taken = False
            raise StorageError(
                f"{self.path} cannot be locked: {error.strerror}.",
                hint=self._way_out(error),
            ) from error
        finally:
            if not taken:
                os.close(descriptor)
        self._descriptor = descriptor if taken else None
        return taken

    def _open(self) -> int:
        try:
            for _ in range(_FOLDER_TRIES):
                with contextlib.suppress(FileNotFoundError):
                    return os.open(self.path, _FLAGS, PRIVATE_FILE)
                _make_folder(self.path.parent)
            return os.open(self.path, _FLAGS, PRIVATE_FILE)
        except OSError as error:
            raise StorageError(
                f"The lock file {self.path} cannot be opened: {error.strerror}.",
                hint=self._way_out(error),
            ) from error

    def _way_out(self, error: OSError) -> str:
        if error.errno in _NO_LOCKS:
            return "Keep the project on a file system that supports file locks."
        return f"Check free space and the permissions of {self.path.parent}."

    def _is_current(self, descriptor: int) -> bool:
        """Tell whether the file that was locked is still the one at the path."""
        try:
            return os.path.samestat(os.fstat(descriptor), os.lstat(self.path))
        except FileNotFoundError:
            return False

    def _sign(self, descriptor: int) -> None:
        owner = Owner(str(os.getpid()), machine(), self.verb or "-", f"{time.time():.3f}")
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, ("\t".join(owner) + "\n").encode()[:_OWNER_LIMIT])


def _make_folder(folder: Path) -> None:
    """Make the folder of locks durable: it may be the first thing ever made below the root."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    make_folder(os.fspath(folder))
    for place in reversed(missing):
        sync_folder(place.parent)
