"""The audit of an experiment: every change of its state."""

from __future__ import annotations

from collections.abc import Mapping
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
