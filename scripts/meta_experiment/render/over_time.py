"""Exposure over time in words: the step of a ramp, and dates in UTC and in local time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from meta_experiment.render import words


def when(instant: str) -> str:
    """Write an instant (ISO 8601) in UTC, and in local time where that is another."""
    utc = datetime.fromisoformat(instant).astimezone(UTC)
    local = utc.astimezone()
    said = f"{utc:%Y-%m-%d %H:%M} UTC"
    if not local.utcoffset():
        return f"{said} (local time is the same)"
    day = "" if local.date() == utc.date() else f"{local:%Y-%m-%d} "
    return f"{said} ({day}{local:%H:%M} local)"


def dates(start: str | None, end: str | None) -> str | None:
    """Say from when until when units take part; None where nothing is said of it."""
    parts = [
        f"{word} {when(instant)}"
        for word, instant in (("from", start), ("until", end))
        if instant is not None
    ]
    return " ".join(parts) or None


def ramp(found: Mapping[str, Any]) -> Iterator[str]:
    """Say at which step a ramp is, since when, and what the next waits for.

    `found` is a `RampStanding` as a document.
    """
    since = "from the next unit on"
    if found["since"] is not None:
        since = f"since {when(found['since'])}"
    yield (
        f"step {found['step']} of {len(found['steps'])}: {words.per_cent(found['share'])} of "
        f"units to the treatments, {since}"
    )
    if found["back"] is not None:
        yield f"it went back to its first step: {words.one_line(found['back'])}"
    elif found["next_share"] is not None:
        due = f", not before {when(found['due'])}" if found["due"] is not None else ""
        yield (
            f"next {words.per_cent(found['next_share'])}{due}; it waits for "
            f"{words.one_line(found['waits'])}"
        )


def explained_over_time(found: Mapping[str, Any]) -> Iterator[str]:
    """Say the dates and the step of an `Explanation` as a document."""
    if told := dates(found["start_date"], found["end_date"]):
        yield f"Units take part {told}."
    if found["ramp"] is not None:
        yield from (f"Ramp: {line}." for line in ramp(found["ramp"]))
