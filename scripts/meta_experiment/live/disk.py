"""Private files, opened and written with `os` alone."""

from __future__ import annotations

import os

PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700


def open_private(path: str, flags: int) -> int:
    """Open a file that is no link and keeps nobody waiting, making its folder where missing.

    Raises OSError.
    """
    flags |= os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        return os.open(path, flags, PRIVATE_FILE)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), PRIVATE_DIRECTORY, exist_ok=True)
        return os.open(path, flags, PRIVATE_FILE)


def put(descriptor: int, data: bytes) -> None:
    """Write all of the data. Raises OSError."""
    while data:
        data = data[os.write(descriptor, data) :]
