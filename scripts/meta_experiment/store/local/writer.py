"""Appending events to the logs: one file per writer, so that writers never share a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import field
from pathlib import Path
from types import TracebackType
from typing import Self

from meta_experiment.errors import LockedError, StorageError
from meta_experiment.files.durable import append_lines
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.lock import FileLock
from meta_experiment.files.platform import machine
from meta_experiment.files.roots import Layout
from meta_experiment.protocol import log_head
from meta_experiment.protocol.places import read_head
from meta_experiment.protocol.seal import Seal
from meta_experiment.records import dataclass
from meta_experiment.store.fold.events import encode_event
from meta_experiment.store.trial_log import TrialEvent

_SLOTS = 32


@dataclass(frozen=True, slots=True)
class OwnLog:
    """A log of this checkout: its path, its first line, and its size.

    `torn` says that a crash cut the first line short, so that its size is 0.
    """

    path: Path
    head: bytes
    size: int = 0
    torn: bool = False

    def append(self, files: FileSystem, lines: bytes) -> None:
        """Add whole lines, durable on return. Raises OSError."""
        if self.torn:
            files.truncate(self.path, 0)
        append_lines(files, self.path, lines if self.size else self.head + lines)


def own_log(folder: Path, seal: Seal, names: Iterable[str]) -> OwnLog:
    """Return the first of the named logs in an experiment's folder that is ours or can be.

    Raises:
        OSError: one cannot be read, or other files have all the names.
    """
    for name in names:
        path, head = folder / name, log_head.head(seal, folder.name, name)
        try:
            start = read_head(path, len(head))
        except FileNotFoundError:
            return OwnLog(path, head)
        if start == head:
            return OwnLog(path, head, path.stat().st_size)
        if log_head.is_own(start, head):
            return OwnLog(path, head, torn=bool(start))
    raise log_head.NoPlaceError(os.fspath(folder))


def append_events(
    layout: Layout,
    files: FileSystem,
    seal: Seal,
    writer: str,
    experiment_id: str,
    events: Iterable[TrialEvent],
) -> None:
    """Add events to a writer's log of one experiment, as `append_batches` does."""
    append_batches(layout, files, seal, writer, {experiment_id: events})


def append_batches(
    layout: Layout,
    files: FileSystem,
    seal: Seal,
    writer: str,
    batches: Mapping[str, Iterable[TrialEvent]],
) -> None:
    """Add events to a writer's logs, by experiment; all of them are durable on return.

    When the disk refuses one, those before it are taken back as well: whoever was not told
    that a trial is stored may record it again, under another id.

    Raises:
        UsageError: an event cannot be stored; then none was.
        StorageError: the disk refused; then none was, unless it refused that too.
    """
    lines = {
        experiment_id: b"".join(map(encode_event, events))
        for experiment_id, events in batches.items()
    }
    logs: list[OwnLog] = []
    try:
        for experiment_id, data in lines.items():
            if data:
                names = log_head.log_names(writer, ".jsonl")
                logs.append(own_log(layout.trials(experiment_id), seal, names))
                logs[-1].append(files, data)
    except OSError as error:
        for log in logs:
            with suppress(OSError):
                files.truncate(log.path, log.size)
        raise StorageError(
            f"The trials could not be stored in {layout.all_trials}: {error.strerror}.",
            hint="Free space or check permissions, then record them again.",
        ) from error


@dataclass(slots=True)
class Writer:
    """The name under which this process alone writes, claimed at first use.

    It is the mark of this checkout, the machine's name and the first number that no living
    process holds, so that a thousand short commands share a handful of files in turn.
    """

    layout: Layout
    seal: Callable[[], Seal]
    _lock: FileLock | None = None
    _name: str = ""
    _process: int = field(default=0)

    @property
    def name(self) -> str:
        """The claimed name."""
        # a forked child inherits the claim without owning it
        if not self._name or self._process != os.getpid():
            self._name, self._lock = self._claim()
            self._process = os.getpid()
        return self._name

    def release(self) -> None:
        """Let another process have the name."""
        if self._lock is not None and self._process == os.getpid():
            self._lock.release()
        self._name, self._lock = "", None

    def __enter__(self) -> Self:
        """Claim the name for a while."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let another process have the name."""
        self.release()

    def _claim(self) -> tuple[str, FileLock | None]:
        stem = f"{log_head.mark(self.seal())}-{log_head.host(machine())}"
        for number in range(_SLOTS):
            name = f"{stem}-{number}"
            lock = FileLock(self.layout.lock(f"writer.{name}"), verb="record")
            try:
                if lock.try_acquire(within=0):
                    return name, lock
            except (LockedError, StorageError):
                break
        # no lock to be had: a name of its own is as safe, it only makes one more file
        return f"{stem}-{os.getpid()}-{os.urandom(4).hex()}", None
