"""Table of a warehouse as it was found, from which a mapping is guessed."""

from __future__ import annotations

from enum import StrEnum

from meta_experiment.records import dataclass
from meta_experiment.types.mapping import EventTable


class ColumnKind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    WHOLE = "whole number"
    NUMBER = "number"
    FLAG = "true or false"
    MOMENT = "time"
    LIST = "list, into which a mapping cannot look: read a view"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class FoundColumn:
    """Column with what it holds: `values` are all there are, where they are few.

    One with a `path` lies within the column `root`; its name has both.
    """

    name: str
    kind: ColumnKind
    values: tuple[str, ...] = ()
    largest: float | None = None
    root: str = ""
    path: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """What it is called where it lies."""
        return self.path[-1] if self.path else self.name


@dataclass(frozen=True, slots=True)
class FoundTable:
    """Table by a name for the mapping, and where it lies."""

    name: str
    place: EventTable
    columns: tuple[FoundColumn, ...]
