"""Trial: one exposure, and all that happened to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from meta_experiment.records import dataclass
from meta_experiment.types.field_marks import MOMENT, SPARE
from meta_experiment.types.vocabulary import TrialStatus

GATED = "outside the experiment's dates"
EARLIER = "drawn when other variants, another control or other weights were declared"
NOT_DRAWN = frozenset({GATED, EARLIER})
"""Why a trial is none of its experiment, whatever came of it: it is no loss of its arm."""


@dataclass(frozen=True, slots=True)
class Draw:
    """Draw of a bandit: the parts of each arm, in the order of the plan, that were in force.

    They rest on the first `known` trials that had closed.
    """

    parts: tuple[int, ...]
    known: int


@dataclass(frozen=True, slots=True)
class Trial:
    """Assignment of a unit and all that became of it.

    `order` is the position of the trial's unit in the assignment sequence (0, 1, …);
    trials of one unit share it. `status` is None while the trial is open. `excluded`
    says why a trial does not count; a missing metric is absent from `metrics`, never zero.
    `covariates` are numbers that were known before the variant was drawn, as they were found.
    `draw` is by what a bandit drew the unit, where this trial began it.
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
    draw: Draw | None = field(default=None, metadata=SPARE)
