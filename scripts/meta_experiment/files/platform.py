"""The one place that knows how each operating system locks, syncs and names the machine."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
    import socket

    # far behind any text in the file, which must stay readable while it is locked
    _LOCKED_BYTE = 1 << 30

    def lock_now(descriptor: int) -> bool:
        """Take the exclusive lock of an open file at once; False when somebody has it."""
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

    def unlock(descriptor: int) -> None:
        """Give the lock of an open file back."""
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

    def sync_folder(path: Path) -> None:
        """Do nothing: Windows opens no folder for syncing; NTFS keeps a journal of names."""

    def is_alive(process: int) -> bool:  # noqa: ARG001
        """Say yes: asking with a signal would end the process there."""
        return True

    def machine() -> str:
        """Return the name of this machine."""
        return socket.gethostname()

else:
    import fcntl

    def lock_now(descriptor: int) -> bool:
        """Take the exclusive lock of an open file at once; False when somebody has it."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def unlock(descriptor: int) -> None:
        """Give the lock of an open file back."""
        fcntl.flock(descriptor, fcntl.LOCK_UN)

    def sync_folder(path: Path) -> None:
        """Make renames, removals and new files in a folder durable. Raises OSError."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            sync(descriptor)
        finally:
            os.close(descriptor)

    def is_alive(process: int) -> bool:
        """Tell whether a process of this machine runs, whoever's it is."""
        try:
            os.kill(process, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except PermissionError:
            return True
        return True

    def machine() -> str:
        """Return the name of this machine; without the socket module, which is slow to load."""
        return os.uname().nodename


def sync(descriptor: int) -> None:
    """Make an open file durable, also against a loss of power. Raises OSError."""
    if sys.platform == "darwin":
        # fsync leaves the bytes in the drive's cache there; not every volume can do more
        with contextlib.suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)
