"""Checksums of logs by block, so that a change in the middle of one is noticed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from zlib import crc32

BLOCK = 256 * 1024
_ALWAYS = 64  # blocks that are checked in a few milliseconds
_LAST = 4
_SAMPLE = 16


def checksums(path: Path, end: int, known: Sequence[int] = ()) -> list[int]:
    """Return the checksums of a file's blocks up to an end; `known` are of its first ones.

    Raises OSError.
    """
    sums = list(known)
    with path.open("rb", buffering=0) as stream:
        stream.seek(len(sums) * BLOCK)
        while (start := len(sums) * BLOCK) < end:
            sums.append(crc32(stream.read(min(BLOCK, end - start))))
    return sums


def first_change(
    path: Path, end: int, sums: Sequence[int], blocks: Iterable[int] | None = None
) -> int | None:
    """Return where the first changed block begins, in bytes; None when none has changed.

    All blocks are read unless some are named. Raises OSError.
    """
    if len(sums) != -(-end // BLOCK):
        return 0
    with path.open("rb", buffering=0) as stream:
        for number in range(len(sums)) if blocks is None else sorted(blocks):
            start = number * BLOCK
            stream.seek(start)
            if crc32(stream.read(min(BLOCK, end - start))) != sums[number]:
                return start
    return None


def some_blocks(count: int) -> set[int]:
    """Return which blocks a look checks: all of a log of 16 MB, of a larger one a sample.

    The last ones are always among them, the others differ from look to look.
    """
    if count <= _ALWAYS:
        return set(range(count))
    import random

    chosen = random.Random().sample(range(count), _SAMPLE)  # noqa: S311 - no secret
    return {*chosen, *range(count - _LAST, count)}
