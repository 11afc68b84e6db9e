"""Reading a large log by two processes: a second one parses most of its blocks ahead."""

from __future__ import annotations

import marshal
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NoReturn

from meta_experiment.files.interruption import held
from meta_experiment.store.fold.lines import Block
from meta_experiment.store.fold.own_outcomes import Outcomes, Reader
from meta_experiment.store.local.line_files import Cursor, read_blocks

WORTHWHILE = 16 * 1024 * 1024  # bytes; less is read before a second process has begun
_SHARE = 3  # of so many blocks all but the first are parsed ahead
_ROOM = 1 << 20  # bytes parsed ahead
_LENGTH = 4  # bytes that say how long a message is
_DESCRIPTORS = 1 << 16


class BlocksAhead:
    """Outcomes that a second process has parsed, block by block.

    It parses as the reader would, and what it does not deliver the reader parses itself, so
    that the result is the same with and without it.
    """

    def __init__(self, stream: BinaryIO | None = None) -> None:
        self._stream = stream
        self._blocks = 0

    def outcomes(self, cursor: Cursor, block: Block) -> Outcomes | None:
        """Return the outcomes of the next block, None when they were not parsed ahead."""
        mine = self._blocks % _SHARE == 0
        self._blocks += 1
        if self._stream is None or mine:
            return None
        try:
            length = int.from_bytes(self._stream.read(_LENGTH))
            offset, size, parsed = marshal.loads(self._stream.read(length))  # noqa: S302
        except (EOFError, ValueError, TypeError):  # it has ended
            offset = size = -1
        if (offset, size) != (cursor.offset, len(block.data)):  # or read while the file grew
            self._stream = None
            return None
        return None if parsed is None else Outcomes(*parsed)


@contextmanager
def read_ahead(path: Path, cursor: Cursor, size: int) -> Iterator[BlocksAhead]:
    """Parse ahead what stands behind the cursor in a file, when there is much of it."""
    if size - cursor.offset < WORTHWHILE or not _possible():
        yield BlocksAhead()
        return
    begun: tuple[int, int] | None = None
    try:
        with held():  # a signal must meet neither one process twice nor a nameless second one
            begun = _begin(path, cursor)
        if begun is None:
            yield BlocksAhead()
        else:
            with os.fdopen(begun[1], "rb") as stream:
                yield BlocksAhead(stream)
    finally:  # it may still be writing to what nobody reads any more
        if begun is not None:
            os.kill(begun[0], signal.SIGKILL)
            os.waitpid(begun[0], 0)


def _begin(path: Path, cursor: Cursor) -> tuple[int, int] | None:
    """Start the second process; returns it and where to read, None when it cannot be had."""
    import fcntl

    try:
        receiving, sending = os.pipe()
    except OSError:
        return None
    with suppress(OSError):  # a smaller pipe does too
        fcntl.fcntl(sending, fcntl.F_SETPIPE_SZ, _ROOM)
    try:
        child = os.fork()
    except OSError:
        os.close(receiving)
        os.close(sending)
        return None
    if child == 0:
        _deliver(path, Cursor(cursor.offset, cursor.lines), sending)
    os.close(sending)
    return child, receiving


def _possible() -> bool:
    """Tell whether a second process can be had and would not wait for the first."""
    return (
        sys.platform == "linux"
        and len(os.sched_getaffinity(0)) > 1
        and threading.active_count() == 1
    )


def _deliver(path: Path, cursor: Cursor, sending: int) -> NoReturn:
    """Parse and send the blocks that are not the reader's own, then end this process."""
    try:
        os.closerange(3, sending)  # nobody's lock shall outlive its owner here
        os.closerange(sending + 1, _DESCRIPTORS)
        reader = Reader()
        with os.fdopen(sending, "wb") as stream:
            for number, block in enumerate(read_blocks(path, cursor)):
                if number % _SHARE:
                    text = block.text()
                    parsed = None if text is None else reader.read(text, block.total)
                    outcomes = None if parsed is None else tuple(parsed._replace(codes=None))
                    message = marshal.dumps((cursor.offset, len(block.data), outcomes))  # type: ignore[arg-type]
                    stream.write(len(message).to_bytes(_LENGTH) + message)
    finally:
        os._exit(0)
