"""A new experiment."""

from __future__ import annotations

from dataclasses import field

from meta_experiment.records import dataclass
from meta_experiment.types.experiment import Experiment
from meta_experiment.types.field_marks import ASIDE
from meta_experiment.types.vocabulary import Lack, Skill, Stage, Status


@dataclass(frozen=True, slots=True)
class Creation:
    """A new experiment, what it can decide, and what the user should know.

    `stage` is how far it is, `missing` what it lacks for the next, `skill` who helps with that.
    `how` says how it can be served, where that was asked for; `served` that it is, by itself.
    """

    experiment_id: str
    status: Status
    outlook: str
    notes: tuple[str, ...]
    experiment: Experiment
    stage: Stage
    missing: tuple[Lack, ...]
    skill: Skill
    how: str | None = field(default=None, metadata=ASIDE)
    served: bool = field(default=False, metadata=ASIDE)
