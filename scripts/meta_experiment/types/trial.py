"""Trial: one exposure, and all that happened to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from meta_experiment.records import dataclass
from meta_experiment.types.field_marks import MOMENT, SPARE
from meta_experiment.types.vocabulary import TrialStatus


@dataclass(frozen=True, slots=True)
class Trial:
    """Assignment of a unit and all that became of it.

    `order` is the position of the trial's unit in the assignment sequence (0, 1, …);
    trials of one unit share it. `status` is None while the trial is open. `excluded`
    says why a trial does not count; a missing metric is absent from `metrics`, never zero.
    `covariates` are numbers that were known before the variant was drawn, as they were found.
    Times are seconds since the epoch.
    """

    trial_id: str
    variant: str
    unit: str
    order: int
    exposed: bool = True
    status: TrialStatus | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    assigned_at: float | None = field(default=None, metadata=MOMENT)
    closed_at: float | None = field(default=None, metadata=MOMENT)
    fingerprint: Mapping[str, str] = field(default_factory=dict)
    excluded: str | None = None
    covariates: Mapping[str, float] = field(default_factory=dict, metadata=SPARE)
