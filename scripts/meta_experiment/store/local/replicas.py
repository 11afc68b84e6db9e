"""Replicas of the logs that other checkouts of a team wrote, as far as they were taken over.

They lie beside this checkout's own logs, under its seal, and count as those do. A replica is
what its machine wrote, byte for byte, so that its size tells how far it goes: no other place
remembers that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from meta_experiment.errors import CorruptStoreError, StorageError
from meta_experiment.files.durable import append_lines
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.protocol import log_head
from meta_experiment.protocol.seal import Seal
from meta_experiment.records import dataclass
from meta_experiment.store.local.counting import Counting
from meta_experiment.store.local.outgoing import read_lines_at, whole_size
from meta_experiment.store.local.writer import own_log

_LOG = re.compile(r"(?:assignments[.-])?[0-9a-f]{8}(?:[.-][A-Za-z0-9.-]{0,90})?\.(?:jsonl|tsv)")


@dataclass(frozen=True, slots=True)
class Replica:
    """Copy of a log of another checkout: whose it is, where it lies, how far it goes.

    `head` is its first line, and `whole` says whether nothing but whole lines is there.
    """

    machine: str
    log: str
    path: Path
    head: bytes
    size: int
    whole: bool

    def agrees(self, first: int, lines: bytes) -> bool:
        """Tell whether what it has of these lines is the same. Raises StorageError."""
        known = max(min(self.size - first, len(lines)), 0)
        return read_lines_at(self.path, first, known) == lines[:known]

    def extend(self, files: FileSystem, lines: bytes, end: int) -> None:
        """Make it end at an offset with these lines, durable on return.

        They begin where it ends, or before; what it has from there on is replaced.

        Raises:
            StorageError: the disk refused; what was written of them is taken for no more than
                whole lines of them.
        """
        first = end - len(lines)
        kept = self.size if self.agrees(first, lines) else min(self.size, first)
        new = lines[max(kept - first, 0) :]
        try:
            if self.path.exists() and not (self.whole and 0 < kept == self.size):
                files.truncate(self.path, len(self.head) + kept if kept else 0)
            if new:
                append_lines(files, self.path, new if kept else self.head + new)
        except OSError as error:
            raise StorageError(
                f"{self.path} cannot be written: {error.strerror}.",
                hint="Free space or check permissions, then: meta-experiment store ship",
            ) from error


def replica(layout: Layout, seal: Seal, experiment_id: str, machine: str, log: str) -> Replica:
    """Return the replica of a log, as far as it is there.

    Raises:
        CorruptStoreError: no log of this program's has such a name. StorageError: it cannot be
            read, or other files stand in its place.
    """
    if not is_log_name(log):
        raise CorruptStoreError("no log of this program's is named so")
    folder = layout.trials(experiment_id)
    try:
        found = own_log(folder, seal, [log_head.replica_name(seal, machine, log)])
        size = found.path.stat().st_size if found.size else 0
    except OSError as error:
        raise StorageError(f"{folder} cannot be read: {error.strerror}.") from error
    whole = whole_size(found.path) if found.size else 0
    complete = size == len(found.head) + whole and not found.torn
    return Replica(machine, log, found.path, found.head, whole, complete)


def replicas(layout: Layout, counting: Counting, experiment_id: str) -> Iterator[Replica]:
    """Yield all replicas of an experiment. Raises StorageError."""
    stem = log_head.replica_stem(counting.seal)
    for name, log in sorted(counting.logs(layout.trials(experiment_id)).items()):
        if log.counts and log.begin and stem in name and log_head.is_replica(name):
            machine, origin = log_head.origin(name)
            yield replica(layout, counting.seal, experiment_id, machine, origin)


def is_log_name(name: str) -> bool:
    """Tell whether a log of a checkout of this program's may be named so."""
    return _LOG.fullmatch(name) is not None and not log_head.is_replica(name)
