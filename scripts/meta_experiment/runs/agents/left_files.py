"""What a run leaves in its folder, which its agent may have made anything of.

A link, a pipe or a folder in the place of a file is no file; a number may be none that fits, a
text half of a pair of surrogates. None of it may stop the runs of others.
"""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from meta_experiment.files.filesystem import OWN_FLAGS
from meta_experiment.protocol import places

_HALVES = b"\\ud"  # as JSON spells half of a pair


def head(path: Path, most: int) -> bytes:
    """Return the first bytes of a regular file; nothing of what is none."""
    with suppress(OSError):
        return places.read_head(path, most)
    return b""


def lines(path: Path, longest: int) -> Iterator[bytes]:
    """Yield the lines of a regular file, those that are longer in parts."""
    with suppress(OSError), os.fdopen(os.open(path, os.O_RDONLY | OWN_FLAGS), "rb") as stream:
        if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            yield from iter(lambda: stream.readline(longest), b"")


def last_line(path: Path, longest: int) -> bytes:
    """Return the last whole line of a regular file; nothing of one that is longer."""
    with suppress(OSError), os.fdopen(os.open(path, os.O_RDONLY | OWN_FLAGS), "rb") as stream:
        status = os.fstat(stream.fileno())
        if stat.S_ISREG(status.st_mode):
            stream.seek(max(0, status.st_size - longest))
            *_, last, _ = (b"", *stream.read(longest).split(b"\n"))
            return last
    return b""


def json_value(text: bytes) -> object:
    """Return what JSON says, whole characters alone.

    Raises:
        ValueError: it is none, or nested too deeply.
    """
    try:
        found: object = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if _HALVES in text.lower():
        whole = json.dumps(found, ensure_ascii=False).encode("utf-8", "replace")
        found = json.loads(whole)
    return found


def number(value: object) -> float | None:
    """Return a finite number that JSON holds, None where it is none."""
    try:
        found = float(value) if isinstance(value, int | float) else math.nan
    except OverflowError:
        return None
    return found if math.isfinite(found) else None
