"""Entries of the audit as lines, and lines as entries again."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from meta_experiment.errors import UsageError
from meta_experiment.protocol.sequence import LATEST
from meta_experiment.store.fold.lines import UnusableLine
from meta_experiment.store.history import HistoryEntry

_TEXTS = ("verb", "before", "after", "reason")


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
