"""The logs of an experiment that count: this checkout's own, and those of admitted writers.

Whatever else lies beside them came with a commit, an archive or a neighbour. It is shown apart
and decides nothing; nor does a log of our own that git tracks, as git replaces it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

from meta_experiment.assign.uniform import sha256
from meta_experiment.errors import StorageError
from meta_experiment.protocol import log_head
from meta_experiment.protocol.seal import Seal
from meta_experiment.records import dataclass
from meta_experiment.store.local.logs import NO_LOG, log_sizes
from meta_experiment.store.local.tracked import TrackedLogs
from meta_experiment.store.trial_log import UncountedLog

NOT_OURS = "not written by this checkout"
TRACKED = "git tracks it or once did, so it may hold what a commit brought along"
_FLAGS = (
    os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
)
_LOOKED_THROUGH = (
    16 * 1024 * 1024
)  # bytes in which the lines of what does not count are counted


@dataclass(frozen=True, slots=True)
class Log:
    """A file in the folder of an experiment's logs.

    It counts unless `why_not` says why it does not; then `remedy` may say what to do. `begin`
    is the length of its first line, where that is the head of a log. A `size` of NO_LOG is no
    regular file.
    """

    size: int
    begin: int = 0
    why_not: str = ""
    remedy: str | None = None

    @property
    def counts(self) -> bool:
        """Whether its lines are evidence."""
        return not self.why_not and self.size != NO_LOG


@dataclass(frozen=True, slots=True)
class Counting:
    """Logs that count in this checkout, as far as it is known."""

    seal: Seal
    admitted: Mapping[str, AbstractSet[str]]
    tracked: TrackedLogs

    def logs(self, folder: Path) -> dict[str, Log]:
        """Return the files in the folder of an experiment's logs, by name.

        Raises:
            StorageError: the folder or a file in it cannot be read.
        """
        sizes = log_sizes(folder)
        experiment_id = folder.name
        admitted = self.admitted.get(experiment_id, frozenset())
        return {
            name: self._log(f"{folder}/{name}", experiment_id, name, size, admitted)
            for name, size in sizes.items()
        }

    def admits(self, experiment_id: str, writer: str) -> bool:
        """Tell whether the user admitted a writer."""
        return writer in self.admitted.get(experiment_id, ())

    @property
    def digest(self) -> str:
        """What changes whenever other logs may count."""
        admitted = {name: sorted(writers) for name, writers in self.admitted.items()}
        parts = [admitted, sorted(self.tracked.names), self.tracked.unknown]
        return str(sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16])

    def _log(
        self, path: str, experiment_id: str, name: str, size: int, admitted: AbstractSet[str]
    ) -> Log:
        if size == NO_LOG:
            return Log(size)
        start = _first_bytes(path)
        begin = (
            log_head.LENGTH if start.startswith(log_head.HEAD) and start[-1:] == b"\n" else 0
        )
        if log_head.writer_of(name) in admitted:
            return Log(size, begin)
        if not self._is_own(start, experiment_id, name):
            return Log(size, begin, NOT_OURS)
        if self.tracked.unknown:
            why = f"git cannot say whether it tracks it: {self.tracked.unknown}"
            return Log(size, begin, why, self.tracked.remedy)
        if f"{experiment_id}/{name}" in self.tracked.names:
            return Log(size, begin, TRACKED)
        return Log(size, begin)

    def _is_own(self, start: bytes, experiment_id: str, name: str) -> bool:
        try:
            return log_head.is_own(start, log_head.head(self.seal, experiment_id, name))
        except PermissionError:  # without a key this machine wrote nothing
            return not start


def apart(folder: Path, logs: Mapping[str, Log]) -> tuple[UncountedLog, ...]:
    """Say of each log that does not count what it is. Raises StorageError."""
    found = []
    for name, log in sorted(logs.items()):
        if log.why_not:
            lines = _lines_in(folder / name)
            beside = 1 if log.begin else 0
            more = log.size > _LOOKED_THROUGH
            writer = log_head.writer_of(name)
            found.append(
                UncountedLog(name, writer, lines - beside, log.why_not, log.remedy, more)
            )
    return tuple(found)


def _first_bytes(path: str) -> bytes:
    try:
        descriptor = os.open(path, _FLAGS)
        try:
            return os.read(descriptor, log_head.LENGTH)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error


def _lines_in(path: Path) -> int:
    try:
        with os.fdopen(os.open(path, _FLAGS), "rb", buffering=0) as stream:
            pieces = iter(lambda: stream.read(1 << 20) or b"", b"")
            return _newlines(pieces)
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error


def _newlines(pieces: Iterable[bytes]) -> int:
    total = seen = 0
    for piece in pieces:
        total += piece.count(b"\n")
        seen += len(piece)
        if seen >= _LOOKED_THROUGH:
            break
    return total
