"""The audit of an experiment: every change of its state, appended and never rewritten."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from meta_experiment.errors import StorageError, UsageError
from meta_experiment.files.durable import append_lines
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.protocol.sequence import LATEST
from meta_experiment.store.history import History, HistoryEntry
from meta_experiment.store.local.lines import Cursor, UnusableLine, read_objects
from meta_experiment.store.trial_log import DamagedLine

_TEXTS = ("verb", "before", "after", "reason")


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


def encode_entry(entry: HistoryEntry) -> bytes:
    """Return the line of an entry, with its newline and without secrets.

    Raises:
        UsageError: its detail cannot be stored.
    """
    from meta_experiment.model.secrets import redacted_value

    try:
        document = redacted_value(asdict(entry))
        return json.dumps(document, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise UsageError(f"The history entry cannot be stored: {error}.") from error


def entry_of(value: Any) -> HistoryEntry | UnusableLine | None:  # noqa: ANN401 - decoded JSON
    """Return the entry that a line holds, or why it holds none; a blank line is None."""
    if value is None or isinstance(value, UnusableLine):
        return value
    at, detail = value.get("at"), value.get("detail")
    texts = [value.get(name) for name in _TEXTS]
    is_time = type(at) in (int, float) and abs(at) < LATEST
    if not is_time or not isinstance(detail, dict):
        return UnusableLine("not an entry of the history")
    if not all(text is None or isinstance(text, str) for text in texts):
        return UnusableLine("not an entry of the history")
    verb, before, after, reason = texts
    return HistoryEntry(float(at), verb or "", before, after, reason or "", detail)
