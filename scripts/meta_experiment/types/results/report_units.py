"""The units of a report by their keys, which it holds only where somebody asks for them."""

from __future__ import annotations

from dataclasses import field

from meta_experiment.records import dataclass
from meta_experiment.types.field_marks import MOMENT


@dataclass(frozen=True, slots=True)
class ReportUnit:
    """Unit with its arm, when it had closed, and its value of the primary metric.

    None is a time or a value that it has not.
    """

    unit: str
    variant: str
    closed: float | None = field(metadata=MOMENT)
    value: float | None


@dataclass(frozen=True, slots=True)
class UnitList:
    """Units that received their variant: all of few, else the least and the largest values.

    Few units stand in the order of their arms and places, many in that of their values;
    `total` is how many there are.
    """

    metric: str
    total: int
    rows: tuple[ReportUnit, ...]
