"""What this checkout wrote itself, as it goes to a team's store: whole lines of its logs.

Offsets are those behind the head of a log. A last line without its end waits.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from meta_experiment.errors import CorruptStoreError, StorageError
from meta_experiment.files.filesystem import OWN_FLAGS
from meta_experiment.files.roots import Layout
from meta_experiment.protocol import log_head
from meta_experiment.records import dataclass
from meta_experiment.store.exchange import BYTES_AT_MOST
from meta_experiment.store.fold.lines import LINE_LIMIT
from meta_experiment.store.local.counting import Counting

BATCH_BYTES = 1 << 20  # of a batch, at most, unless one line is longer


@dataclass(frozen=True, slots=True)
class OutgoingLog:
    """Log that this checkout wrote: its name and path, and the bytes of its whole lines.

    `changed` is when it was written to last, in seconds, by the clock of its disk.
    """

    name: str
    path: Path
    size: int
    changed: float

    def pieces(self, first: int) -> Iterator[tuple[int, bytes]]:
        """Yield whole lines from an offset on, piece by piece, each with its own offset.

        Raises:
            CorruptStoreError: no line begins there, or one is longer than any machine takes.
            StorageError: it cannot be read.
        """
        try:
            with os.fdopen(os.open(self.path, os.O_RDONLY | OWN_FLAGS), "rb") as stream:
                stream.seek(log_head.LENGTH + first - 1)
                if first < self.size and stream.read(1) != b"\n":
                    raise CorruptStoreError(
                        f"{self.path}: no line begins at byte {first:,}, up to which the store "
                        "has it.",
                    )
                while first < self.size:
                    lines = _whole_lines(stream.read(min(BATCH_BYTES, self.size - first)))
                    if not lines:
                        stream.seek(log_head.LENGTH + first)
                        lines = stream.readline(BYTES_AT_MOST + 1)
                    if len(lines) > BYTES_AT_MOST:
                        raise CorruptStoreError(
                            f"{self.path}: the line at byte {first:,} is longer than the "
                            f"{BYTES_AT_MOST:,} bytes that others take. Nothing from there on "
                            "is shipped.",
                            hint="Look what wrote it: meta-experiment verify",
                        )
                    yield first, lines
                    first += len(lines)
                    stream.seek(log_head.LENGTH + first)
        except OSError as error:
            raise StorageError(f"{self.path} cannot be read: {error.strerror}.") from error

    def read(self, first: int, length: int) -> bytes:
        """Return so many bytes from an offset on, fewer where it ends before. StorageError."""
        return read_lines_at(self.path, first, length)


def own_logs(layout: Layout, counting: Counting, experiment_id: str) -> list[OutgoingLog]:
    """Return the logs of an experiment that this checkout wrote itself and that count.

    Not those of admitted writers, nor replicas: whoever wrote them ships them.

    Raises:
        StorageError: one cannot be read.
    """
    folder = layout.trials(experiment_id)
    own = log_head.mark(counting.seal)
    found = []
    for name, log in sorted(counting.logs(folder).items()):
        if log.counts and log.begin and log_head.writer_of(name) == own:
            head = log_head.head(counting.seal, experiment_id, name)
            path = folder / name
            if read_lines_at(path, -len(head), len(head)) == head:
                found.append(OutgoingLog(name, path, whole_size(path), _changed(path)))
    return found


def _changed(path: Path) -> float:
    try:
        return path.stat(follow_symlinks=False).st_mtime
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error


def whole_size(path: Path) -> int:
    """Return how many bytes of whole lines a log has behind its head; 0 without a file.

    Raises:
        StorageError: it cannot be read.
    """
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | OWN_FLAGS), "rb") as stream:
            end = stream.seek(0, os.SEEK_END)
            while end > log_head.LENGTH:
                start = max(end - LINE_LIMIT, log_head.LENGTH)
                stream.seek(start)
                found = stream.read(end - start).rfind(b"\n")
                if found >= 0:
                    return start + found + 1 - log_head.LENGTH
                end = start
            return 0
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error


def read_lines_at(path: Path, first: int, length: int) -> bytes:
    """Return so many bytes of a log from an offset on; without a file none. StorageError."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | OWN_FLAGS), "rb") as stream:
            stream.seek(log_head.LENGTH + first)
            return stream.read(length)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error


def _whole_lines(data: bytes) -> bytes:
    return data[: data.rfind(b"\n") + 1]
