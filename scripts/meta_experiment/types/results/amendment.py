"""A plan that was changed on the record."""

from __future__ import annotations

from dataclasses import field

from meta_experiment.records import dataclass
from meta_experiment.types.experiment import Amendment
from meta_experiment.types.field_marks import ASIDE


@dataclass(frozen=True, slots=True)
class AmendmentResult:
    """All amendments of a plan, those made now among them, and its new digest."""

    experiment_id: str
    amendments: tuple[Amendment, ...]
    plan_sha256: str
    made: tuple[Amendment, ...] = field(metadata=ASIDE)
