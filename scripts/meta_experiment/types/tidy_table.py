"""Table for other programs: columns of one kind, and rows that are made as they are read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from meta_experiment.records import dataclass

ColumnKind = Literal["text", "number", "whole", "flag", "moment"]
Cell = str | float | int | bool | None


@dataclass(frozen=True, slots=True)
class TidyColumn:
    """Column whose cells are of one kind, or None; a moment is seconds since the epoch."""

    name: str
    kind: ColumnKind


@dataclass(frozen=True, slots=True)
class TidyTable:
    """Columns and the rows below them, which can be gone through once."""

    columns: tuple[TidyColumn, ...]
    rows: Iterable[Sequence[Cell]]
