"""Admission of machines' trials to an experiment."""

from __future__ import annotations

from dataclasses import field

from meta_experiment.records import dataclass
from meta_experiment.types.field_marks import ASIDE


@dataclass(frozen=True, slots=True)
class IgnoredLog:
    """A log whose `lines` do not count, and why."""

    file: str
    writer: str
    lines: int
    why: str


@dataclass(frozen=True, slots=True)
class Admission:
    """The writers who are admitted, and the logs that do not count; `sentences` say so."""

    experiment_id: str
    admitted: tuple[str, ...]
    apart: tuple[IgnoredLog, ...]
    sentences: tuple[str, ...] = field(metadata=ASIDE)
