"""Audit of the experiments of agentic workflows: those that draw, and the runs they had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from meta_experiment.records import dataclass
from meta_experiment.types.field_marks import MOMENT
from meta_experiment.types.results.workflow_import import ExperimentStanding, VariantRunCount
from meta_experiment.types.vocabulary import TrialStatus


class AuditStatus(StrEnum):
    """How far an experiment of a workflow is."""

    NOT_STARTED = "not_started"
    UNMEASURED = "unmeasured"
    COLLECTING = "collecting"
    UNDECIDED = "undecided"
    DECIDED = "decided"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class AuditedExperiment:
    """One experiment of a workflow: its runs by variant, since when, and where it stands.

    `experiment_id` is this pack's experiment that holds its trials, null where none does;
    `standing` is then null as well. `problem` says why it cannot be read.
    """

    workflow: str
    experiment: str
    status: AuditStatus
    since: float | None = field(metadata=MOMENT)
    variants: Mapping[str, VariantRunCount]
    experiment_id: str | None
    standing: ExperimentStanding | None
    notes: tuple[str, ...]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class AuditedRun:
    """A run of an experiment; `status` is null where nothing of how it ended was recorded."""

    run_id: str
    variant: str
    at: float | None = field(metadata=MOMENT)
    status: TrialStatus | None
    model: str | None
    metrics: Mapping[str, float]
    excluded: str | None


@dataclass(frozen=True, slots=True)
class VariantFailures:
    """How the runs of a variant ended, to be held against those of the others.

    `rate` is the share of failed and timed-out runs among those that ended well or so; null
    without any. `failed` are their ids, the newest first.
    """

    runs: int
    ok: int
    error: int
    timeout: int
    interrupted: int
    unknown: int
    rate: float | None
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExperimentRuns:
    """Runs of one experiment, the newest last, and the failures of its variants side by side.

    `total` is how many runs there are, of which `runs` are the newest.
    """

    workflow: str
    experiment: str
    variant: str | None
    total: int
    runs: tuple[AuditedRun, ...]
    failures: Mapping[str, VariantFailures]


@dataclass(frozen=True, slots=True)
class WorkflowAudit:
    """The experiments of a project's workflows, and the runs of one where that is asked for.

    `orphans` are branches of state whose workflow is not here: renamed, or deleted. `shared`
    are workflows that keep their state under one name.
    """

    experiments: tuple[AuditedExperiment, ...]
    selected: ExperimentRuns | None
    orphans: tuple[str, ...]
    shared: tuple[str, ...]
    notes: tuple[str, ...]
