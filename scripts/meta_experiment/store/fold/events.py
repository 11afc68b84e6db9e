"""The events of a trial as lines of a log, and what makes a line an event."""

from __future__ import annotations

import json
import sys

from meta_experiment.errors import UsageError, cite
from meta_experiment.protocol.events import event_document
from meta_experiment.protocol.sequence import LATEST
from meta_experiment.store.fold.lines import LINE_LIMIT
from meta_experiment.store.trial_log import TrialEvent
from meta_experiment.types import TrialStatus

NAME_LIMIT = 4096  # characters of an identifier


def encode_event(event: TrialEvent) -> bytes:
    """Return the line of an event, with its newline.

    Raises:
        UsageError: reading the line back would set it aside.
    """
    from meta_experiment.model.secrets import redacted, redacted_value

    document = event_document(
        event.kind.value,
        at=event.at,
        trial_id=event.trial_id,
        variant=event.variant,
        unit=event.unit,
        status=event.status and event.status.value,
        metrics=event.metrics,
        covariates=event.covariates,
        fingerprint=redacted_value(event.fingerprint),
        reason=event.reason and redacted(event.reason),
    )
    reason = why_unusable(document)
    if reason is not None:
        raise UsageError(f"The trial '{event.trial_id[:80]}' cannot be stored: {reason}.")
    try:
        line = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError as error:
        raise UsageError(
            "The trial holds half of a surrogate pair, which is no text."
        ) from error
    if len(line) > LINE_LIMIT:
        raise UsageError(f"The trial {cite(event.trial_id)} needs a line of more than 1 MB.")
    return line


def why_unusable(document: dict[str, object]) -> str | None:
    """Say what is wrong with a decoded line; None when it is an event. Extra keys are fine."""
    at = document.get("at")
    if type(at) not in _NUMBERS or not 0 <= at < LATEST:  # type: ignore[operator]
        return "'at' is not a time in seconds since the epoch"
    trial_id, variant, unit = map(document.get, _NAMES)
    if not _is_name(trial_id) or not _is_name(variant):
        return f"'trial_id' or 'variant' {_NO_NAME}"
    if unit is not None and not _is_name(unit):
        return f"'unit' {_NO_NAME}"
    kind = document.get("event")
    if kind == "recorded":
        return _why_unusable_outcome(document)
    if kind == "excluded":
        return None if _is_name(document.get("reason")) else f"'reason' {_NO_NAME}"
    return None if kind in ("assigned", "exposed") else "unknown event"


def _why_unusable_outcome(document: dict[str, object]) -> str | None:
    status, metrics = document.get("status"), document.get("metrics")
    if status is not None and (type(status) is not str or status not in _STATUSES):
        return "unknown status"
    if type(metrics) is not dict:
        return "'metrics' is not an object"
    for name, value in metrics.items():
        if type(value) not in _NUMBERS or not -_LARGEST <= value <= _LARGEST:
            return "a metric is not a finite number"
        if not _is_name(name):
            return f"a metric's name {_NO_NAME}"
    fingerprint = document.get("fingerprint")
    if fingerprint is not None and not is_fingerprint(fingerprint):
        return "'fingerprint' is not an object of texts"
    return None


_NAMES = ("trial_id", "variant", "unit")
_NO_NAME = f"is not a text of 1 to {NAME_LIMIT} characters"
_STATUSES = frozenset(item.value for item in TrialStatus)
_NUMBERS = frozenset({int, float})  # and not bool
_LARGEST = sys.float_info.max


def _is_name(value: object) -> bool:
    return type(value) is str and 0 < len(value) <= NAME_LIMIT


def is_fingerprint(value: object) -> bool:
    """Tell whether a decoded value says what a trial ran on."""
    return type(value) is dict and all(
        _is_name(name) and type(text) is str for name, text in value.items()
    )
