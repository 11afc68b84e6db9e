"""The events of a trial as documents of a log, whoever writes them: closing, or the commands.

Outcomes in this very order of fields are read by the hundred, any other one by one
(`store.fold.own_outcomes`); what their texts may hold is judged by `store.fold.events`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

RECORDED, EXCLUDED = "recorded", "excluded"
BEGIN = f'{{"event":"{RECORDED}","at":'  # how the line of an outcome begins
TOOLS = ("Agent", "Bash", "Edit", "Glob", "Grep", "Read", "Skill", "Write")  # counted each
COVARIATE = "covariate:"  # begins the name of a covariate among the metrics, where none is so


def event_document(
    event: str,
    *,
    at: float,
    trial_id: str,
    variant: str,
    unit: str | None = None,
    status: str | None = None,
    metrics: Mapping[str, float] | None = None,
    covariates: Mapping[str, float] | None = None,
    fingerprint: Mapping[str, object] | None = None,
    reason: str | None = None,
) -> dict[str, object]:
    """Return an event, `at` in seconds since the epoch; outcomes alone have measurements.

    Covariates stand among the metrics, which older versions read as well.
    """
    document: dict[str, object] = {
        "event": event,
        "at": at,
        "trial_id": trial_id,
        "variant": variant,
    }
    if unit is not None:
        document["unit"] = unit
    if event == RECORDED:
        document["status"] = status
        known = {COVARIATE + name: value for name, value in (covariates or {}).items()}
        document["metrics"] = {**(metrics or {}), **known}
        if fingerprint:
            document["fingerprint"] = dict(fingerprint)
    if reason is not None:
        document["reason"] = reason
    return document
