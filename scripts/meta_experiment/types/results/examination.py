"""An experiment with its analysis, as it was read and computed now."""

from __future__ import annotations

from meta_experiment.records import dataclass
from meta_experiment.types.analysis import Analysis
from meta_experiment.types.experiment import Experiment


@dataclass(frozen=True, slots=True)
class Examination:
    """An experiment with its analysis; `problems` are what could not be read of its logs.

    `apart` says which logs do not count; `until` is when the analysis changes by the clock
    alone, if it will.
    """

    experiment: Experiment
    analysis: Analysis
    problems: tuple[str, ...]
    apart: tuple[str, ...]
    until: float | None
