"""Two arms that are known by their sums alone."""

from __future__ import annotations

from dataclasses import field

from meta_experiment.records import dataclass
from meta_experiment.types.field_marks import ASIDE
from meta_experiment.types.results.import_result import ImportResult
from meta_experiment.types.results.source_result import Recomputation
from meta_experiment.types.results.workflow_import import WorkflowImport


@dataclass(frozen=True, slots=True)
class ArmSums:
    """Sums of one arm as pasted: a rate with its interval, or a mean with its spread."""

    name: str
    n: int
    mean: float
    sd: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class SumsComparison:
    """Treatment against control: treatment minus control, and at one look.

    `low` and `high` bound the difference at `level`. `better` is None when nothing says which
    direction is better; `size` is Hedges' g. `unit` is that of the means.
    """

    control: ArmSums
    treatment: ArmSums
    test: str
    difference: float
    relative: float | None
    low: float
    high: float
    p_value: float
    size: float | None
    better: bool | None
    level: float
    limits: tuple[str, ...]
    unit: str = field(default="", metadata=ASIDE)


ImportAnswer = ImportResult | SumsComparison | Recomputation | WorkflowImport
