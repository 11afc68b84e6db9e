"""What telemetry tells: assignments, exposures, trials and decisions, without any text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from meta_experiment.records import dataclass

OTLP = "otlp"  # the destination that is no file


class TelemetryKind(StrEnum):
    """What happened."""

    ASSIGNED = "experiment.assigned"
    EXPOSED = "experiment.exposed"
    TRIAL = "experiment.trial"
    DECIDED = "experiment.decided"


@dataclass(frozen=True, slots=True)
class TelemetryEvent:
    """Event of an experiment, at a time in seconds since the epoch; a trial also `began`.

    `identity` (hex digits) is the same whenever the same event is told again, and the first
    32 of `trial_identity` are those of all events of one trial. `unit` is a digest of what was
    randomised; `session_id` or `prompt_id` is the unit itself where the client drew it, as its
    own telemetry tells it. `run_count` is the place of the unit in the sequence, from 1. What
    is not known is None.
    """

    kind: TelemetryKind
    identity: str
    at: float
    experiment_id: str
    plan_version: str
    variant: str | None = None
    trial_id: str | None = None
    trial_identity: str | None = None
    began: float | None = None
    unit: str | None = None
    session_id: str | None = None
    prompt_id: str | None = None
    run_count: int | None = None
    status: str | None = None
    excluded: bool | None = None
    model: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    decision: str | None = None
    reason_code: str | None = None
    action: str | None = None
    improvement: float | None = None
    e_value: float | None = None
