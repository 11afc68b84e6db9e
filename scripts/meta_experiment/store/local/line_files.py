"""Reading append-only files of lines: only whole lines, in chunks, from an offset on."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from meta_experiment.errors import CorruptStoreError, StorageError
from meta_experiment.records import dataclass
from meta_experiment.store.fold.lines import LINE_LIMIT, Block, UnusableLine, decoded

_CHUNK = 64 * 1024
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@dataclass(slots=True)
class Cursor:
    """The place up to which a file has been read, in bytes and lines from its beginning."""

    offset: int = 0
    lines: int = 0


def read_blocks(path: Path, cursor: Cursor) -> Iterator[Block]:
    """Yield the whole lines behind the cursor, block by block, and move it past each block.

    A last line without its newline is left for a later call: it may still be in the
    making. The cursor counts the lines of a block when the block has been dealt with.

    Raises:
        CorruptStoreError: the file is no regular file. StorageError: it cannot be read.
    """
    try:
        descriptor = os.open(path, _FLAGS)
        with os.fdopen(descriptor, "rb", buffering=0) as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise CorruptStoreError(f"{path} is not a regular file.")
            stream.seek(cursor.offset)
            yield from _blocks(stream.read, cursor)
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error


def read_lines(path: Path, cursor: Cursor) -> Iterator[list[str | UnusableLine]]:
    """Yield the lines of each block that `read_blocks` yields."""
    return (block.lines() for block in read_blocks(path, cursor))


def read_objects(path: Path, cursor: Cursor) -> Iterator[list[object]]:
    """Yield the decoded JSON values of the whole lines behind the cursor, chunk by chunk.

    What is no JSON object is an `UnusableLine`; a blank line is None.
    """
    for lines in read_lines(path, cursor):
        yield decoded(lines)


def _blocks(read: Callable[[int], bytes | None], cursor: Cursor) -> Iterator[Block]:
    pending = b""
    skipped = 0  # bytes of a line over the limit that were thrown away
    while chunk := read(_CHUNK):
        end = chunk.rfind(b"\n") + 1
        if not end:
            pending += chunk
            if len(pending) > LINE_LIMIT:
                skipped += len(pending)
                pending = b""
            continue
        data = pending + chunk[:end]
        block = Block(data, data.count(b"\n"), bool(skipped))
        yield block
        cursor.offset += skipped + len(data)
        cursor.lines += block.total
        pending, skipped = chunk[end:], 0
