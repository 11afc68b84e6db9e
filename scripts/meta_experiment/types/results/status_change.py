"""Result of start, pause, resume and archive."""

from __future__ import annotations

from dataclasses import field

from meta_experiment.records import dataclass
from meta_experiment.types.experiment import Experiment
from meta_experiment.types.field_marks import ASIDE
from meta_experiment.types.vocabulary import Status


@dataclass(frozen=True, slots=True)
class StatusChange:
    """The status of an experiment before and after; `experiment` is as it is afterwards."""

    experiment_id: str
    before: Status
    status: Status
    notes: tuple[str, ...]
    sentence: str = field(metadata=ASIDE)
    experiment: Experiment = field(metadata=ASIDE)
