"""What was told to telemetry."""

from __future__ import annotations

from meta_experiment.records import dataclass


@dataclass(frozen=True, slots=True)
class TelemetryExport:
    """Export of what was new to a destination: how many events of each kind went, and waited.

    `waiting` did not get through and go with the next export; `reason` says why.
    """

    destination: str
    sent: dict[str, int]
    waiting: int
    reason: str | None = None
