"""Report on the experiments of workflows: figures, winners, and why others are not decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from meta_experiment.records import dataclass
from meta_experiment.types.field_marks import MOMENT
from meta_experiment.types.results.workflow_import import ExperimentStanding
from meta_experiment.types.vocabulary import Direction


@dataclass(frozen=True, slots=True)
class ReportedVariant:
    """A variant on the primary metric; `needed` is how many more runs the plan asks for."""

    n: int
    mean: float | None
    sd: float | None
    needed: int


@dataclass(frozen=True, slots=True)
class ReportedComparison:
    """A variant against the control; `relative` is a fraction, positive is better.

    `p_value` is of `test` and valid at one look alone; `p_anytime` holds at every look.
    """

    variant: str
    relative: float | None
    test: str
    p_value: float | None
    p_anytime: float | None


@dataclass(frozen=True, slots=True)
class ReportedExperiment:
    """An experiment with its figures; `winner` is declared by evidence alone, else null.

    `lacking` says what keeps it from a decision or from being heard of. Without imported trials
    all but that is empty.
    """

    workflow: str
    experiment: str
    experiment_id: str | None
    hypothesis: str | None
    metric: str | None
    direction: Direction | None
    unit: str
    variants: Mapping[str, ReportedVariant]
    comparisons: tuple[ReportedComparison, ...]
    winner: str | None
    standing: ExperimentStanding | None
    lacking: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InteractionCells:
    """Runs of two experiments of one workflow by both variants; `cells` by those, `A × B`.

    With fewer than `least` runs in a cell nobody can tell whether they disturb one another.
    """

    workflow: str
    first: str
    second: str
    cells: Mapping[str, int]
    least: int
    sparse: bool


@dataclass(frozen=True, slots=True)
class WorkflowReport:
    """All experiments of a project's workflows on one day."""

    at: float = field(metadata=MOMENT)
    decided: int
    undecided: int
    experiments: tuple[ReportedExperiment, ...]
    interactions: tuple[InteractionCells, ...]
    notes: tuple[str, ...]
