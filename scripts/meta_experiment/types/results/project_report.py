"""All experiments of a project side by side, as one document."""

from __future__ import annotations

from dataclasses import field

from meta_experiment.records import dataclass
from meta_experiment.types.analysis import Interval
from meta_experiment.types.field_marks import MOMENT
from meta_experiment.types.results.report import ReportDocument
from meta_experiment.types.vocabulary import Decision, ReasonCode, Status

SCHEMA = "project-report/v1"


@dataclass(frozen=True, slots=True)
class ProjectExperiment:
    """Experiment as its board has it.

    `improvement` and its interval are None where they are not known without its trials, which
    are not read for this.
    """

    experiment_id: str
    name: str
    files: tuple[str, ...]
    status: Status
    decision: Decision | None
    reason_code: ReasonCode | None
    metric: str
    label: str
    treatment: str | None
    improvement: float | None
    interval: Interval | None
    trials: int
    created: float = field(metadata=MOMENT)
    ended: float | None = field(metadata=MOMENT)
    next_action: str


@dataclass(frozen=True, slots=True)
class PromptGenerations:
    """A prompt file with the experiments on it, from the first to the last."""

    path: str
    experiments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProjectReport:
    """Every experiment, the newest first, and the generations of every prompt.

    `decided` are those that ended by a promotion, a rollback or a stop, `promoted` those of
    which that was last done, whether they were put away since or not. A draft that was put
    away has decided nothing.
    """

    schema: str
    as_of: float = field(metadata=MOMENT)
    experiments: tuple[ProjectExperiment, ...]
    generations: tuple[PromptGenerations, ...]
    decided: int
    promoted: int


ReportAnswer = ReportDocument | ProjectReport
