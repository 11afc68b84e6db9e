"""A file that a run left, read when it is asked for."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import NamedTuple

LARGEST = 16 * 1024 * 1024  # bytes of one file
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_CHUNK = 1 << 20


class LeftOutError(Exception):
    """Why something that a run left is not read, in words that follow its name."""


class FoundFile(NamedTuple):
    """A file by its path within the run's folder, with `/`.

    `read` returns its bytes, or raises LeftOutError.
    """

    path: str
    read: Callable[[], bytes]


def read_plain(path: str) -> bytes:
    """Read a file, but no link and nothing that is none.

    Raises:
        LeftOutError: it cannot be read, or is too large.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        raise LeftOutError(f"cannot be read ({error.strerror})") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise LeftOutError("is no file")
        if status.st_size > LARGEST:
            raise LeftOutError(f"is larger than {LARGEST:,} bytes")
        data = os.read(descriptor, min(status.st_size, LARGEST) + 1)
        while len(data) <= LARGEST and (more := os.read(descriptor, _CHUNK)):
            data += more
    except OSError as error:
        raise LeftOutError(f"cannot be read ({error.strerror})") from error
    finally:
        os.close(descriptor)
    return data
