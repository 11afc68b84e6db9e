"""Replacing a file so that a crash leaves the old bytes or the new ones."""

from __future__ import annotations

import os
import time
from pathlib import Path

from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.platform import is_alive
from meta_experiment.protocol.disk import PRIVATE_FILE

TEMPORARY_SUFFIX = ".meta-tmp"
_OLD = 3600.0  # seconds


def write_atomically(
    files: FileSystem, path: Path, data: bytes, mode: int = PRIVATE_FILE
) -> None:
    """Replace `path` by `data` with these permission bits, durable on return.

    The temporary file has a name of its own in the same directory, so that two writers
    never share one; what a crash leaves of it is swept by `recover`. Raises OSError.
    """
    temporary = temporary_beside(path)
    try:
        files.create(temporary, data, mode)
        files.replace(temporary, path)
    except (OSError, KeyboardInterrupt):
        files.remove(temporary)
        raise
    files.sync_directory(path.parent)


def temporary_beside(path: Path) -> Path:
    """Return a name in the same directory that no other writer takes."""
    return path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}{TEMPORARY_SUFFIX}")


def abandoned(temporary: Path) -> bool:
    """Tell whether nobody will finish a temporary file, so that it may be swept.

    Its name holds the process that began it. One that is still there is another command at
    work, unless the file is so old that the number must have been given out again.
    """
    process = temporary.name.removesuffix(TEMPORARY_SUFFIX).split(".")[-2:-1]
    if not process or not process[0].isdigit() or int(process[0]) == os.getpid():
        return True
    try:
        age = time.time() - temporary.lstat().st_mtime
    except FileNotFoundError:
        return False
    return age > _OLD or not is_alive(int(process[0]))
