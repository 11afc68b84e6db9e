"""The newest trials of an experiment."""

from __future__ import annotations

from dataclasses import field

from meta_experiment.records import dataclass
from meta_experiment.types.field_marks import ASIDE
from meta_experiment.types.trial import Trial


@dataclass(frozen=True, slots=True)
class TrialPage:
    """Trials in the order in which they closed, then open ones, with the number of all.

    `apart` says which logs do not count; `planned` are the metrics a reader looks for: those
    that the plan weighs, and the rating.
    """

    experiment_id: str
    total: int
    trials: tuple[Trial, ...]
    apart: tuple[str, ...]
    set_aside: tuple[str, ...]
    conflicts: tuple[str, ...]
    planned: frozenset[str] = field(metadata=ASIDE)
