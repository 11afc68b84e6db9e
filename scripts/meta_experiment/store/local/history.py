"""The audit of an experiment: every change of its state, appended and never rewritten.

What is of this checkout alone stands in a file of its own, which git does not see.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from meta_experiment.errors import StorageError
from meta_experiment.files.durable import append_lines
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.store.history import History, HistoryEntry
from meta_experiment.store.history_lines import encode_entry, entry_of
from meta_experiment.store.local.line_files import Cursor, read_objects
from meta_experiment.store.trial_log import DamagedLine


def append_history(
    layout: Layout,
    files: FileSystem,
    experiment_id: str,
    entry: HistoryEntry,
    *,
    own: bool = False,
) -> None:
    """Add an entry; durable on return. `own` is what is of this checkout alone.

    Raises:
        UsageError: its detail cannot be stored. StorageError: the disk refused.
    """
    path = layout.own_history(experiment_id) if own else layout.history(experiment_id)
    line = encode_entry(entry)
    try:
        append_lines(files, path, line)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}.") from error


def read_history(layout: Layout, experiment_id: str) -> History:
    """Return what happened to an experiment; no file is no history.

    What is of this checkout alone stands between the rest by its time.

    Raises:
        CorruptStoreError: the file is no regular file. StorageError: it cannot be read.
    """
    entries: list[HistoryEntry] = []
    set_aside: list[DamagedLine] = []
    for path in (layout.history(experiment_id), layout.own_history(experiment_id)):
        known = len(entries)
        for entry in _entries(path):
            if isinstance(entry, HistoryEntry):
                entries.append(entry)
            else:
                set_aside.append(entry)
        if known and len(entries) > known:
            entries.sort(key=lambda item: item.at)
    return History(tuple(entries), tuple(set_aside))


def _entries(path: Path) -> Iterator[HistoryEntry | DamagedLine]:
    cursor = Cursor()
    if not path.exists():
        return
    for values in read_objects(path, cursor):
        for number, value in enumerate(values, start=cursor.lines + 1):
            entry = entry_of(value)
            if isinstance(entry, HistoryEntry):
                yield entry
            elif entry is not None:
                yield DamagedLine(path.name, number, entry.reason)
