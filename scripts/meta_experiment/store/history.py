"""The audit of an experiment: every change of its state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from meta_experiment.records import dataclass
from meta_experiment.store.trial_log import DamagedLine


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """Change of state at a time in seconds since the epoch.

    `verb` is what was done, `before` and `after` the statuses (None: there was none).
    """

    at: float
    verb: str
    before: str | None
    after: str | None
    reason: str = ""
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class History:
    """All entries in the order in which they were written, and the lines that are damaged."""

    entries: tuple[HistoryEntry, ...]
    set_aside: tuple[DamagedLine, ...]


def last_statuses(entries: Sequence[HistoryEntry]) -> tuple[str, ...]:
    """Return the status at which entries end: the one written last, and the latest in time.

    These are two where git joined the entries of two branches.
    """
    told = [item for item in entries if item.after]
    latest = max(told, key=lambda item: item.at, default=None)
    ends = [*told[-1:], *([latest] if latest else [])]
    return tuple(dict.fromkeys(item.after for item in ends if item.after))
