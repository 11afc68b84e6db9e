"""The audit of an experiment: every change of its state, appended and never rewritten."""

from __future__ import annotations

from meta_experiment.errors import StorageError
from meta_experiment.files.durable import append_lines
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.store.history import History, HistoryEntry
from meta_experiment.store.history_lines import encode_entry, entry_of
from meta_experiment.store.local.line_files import Cursor, read_objects
from meta_experiment.store.trial_log import DamagedLine


def append_history(
    layout: Layout, files: FileSystem, experiment_id: str, entry: HistoryEntry
) -> None:
    """Add an entry; durable on return.

    Raises:
        UsageError: its detail cannot be stored. StorageError: the disk refused.
    """
    path, line = layout.history(experiment_id), encode_entry(entry)
    try:
        append_lines(files, path, line)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}.") from error


def read_history(layout: Layout, experiment_id: str) -> History:
    """Return what happened to an experiment; no file is no history.

    Raises:
        CorruptStoreError: the file is no regular file. StorageError: it cannot be read.
    """
    path = layout.history(experiment_id)
    entries: list[HistoryEntry] = []
    set_aside: list[DamagedLine] = []
    if not path.exists():
        return History((), ())
    cursor = Cursor()
    for values in read_objects(path, cursor):
        for number, value in enumerate(values, start=cursor.lines + 1):
            entry = entry_of(value)
            if isinstance(entry, HistoryEntry):
                entries.append(entry)
            elif entry is not None:
                set_aside.append(DamagedLine(path.name, number, entry.reason))
    return History(tuple(entries), tuple(set_aside))
