"""Moments in time as text: ISO 8601 in UTC with milliseconds, as `2026-01-31T09:30:00.000Z`."""

from __future__ import annotations

from datetime import UTC, datetime

from meta_experiment.errors import UsageError, cite

DAY = 86_400.0  # seconds


def to_text(instant: float) -> str:
    """Write seconds since the epoch as ISO 8601."""
    moment = datetime.fromtimestamp(instant, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_text(text: str) -> float:
    """Read ISO 8601 as seconds since the epoch; no zone means UTC.

    Raises:
        UsageError: the text is not a date and time.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{cite(text)} is not a date and time; expected the form 2026-01-31T09:30:00Z."
        ) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def day(instant: float) -> str:
    """Write seconds since the epoch as a calendar day in UTC."""
    return datetime.fromtimestamp(instant, UTC).date().isoformat()


def end_told(instant: float) -> str:
    """Say an end: one at midnight as the end of the day before, in UTC."""
    if instant % DAY:
        return to_text(instant)
    return f"the end of {day(instant - DAY)} in UTC"
