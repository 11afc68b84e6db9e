"""Events as lines of JSON, in the form that agentic workflows log theirs."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from meta_experiment.types.telemetry import TelemetryEvent

_FIELDS = (
    "unit", "session_id", "prompt_id", "run_count", "status", "excluded", "model", "decision",
    "reason_code", "action", "improvement", "e_value",
)  # fmt: skip


def event_line(event: TelemetryEvent) -> str:
    """Return one line, without its end; all of it is ASCII."""
    document: dict[str, object] = {
        "event": event.kind.value,
        "experiment": event.experiment_id,
        "variant": event.variant,
        "run_id": event.trial_id,
        "timestamp": _moment(event.at),
        "id": event.identity,
        "plan": event.plan_version,
        "began": None if event.began is None else _moment(event.began),
        **{name: getattr(event, name) for name in _FIELDS},
        "metrics": dict(event.metrics) or None,
    }
    known = {name: value for name, value in document.items() if value is not None}
    return json.dumps(known, allow_nan=False)


def _moment(seconds: float) -> str:
    at = datetime.fromtimestamp(seconds, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
