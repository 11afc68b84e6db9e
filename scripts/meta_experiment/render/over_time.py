"""Exposure over time in words: the step of a ramp, and dates in UTC and in local time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from meta_experiment.model.instants import DAY, to_text
from meta_experiment.render import words

if TYPE_CHECKING:  # status starts without the types
    from meta_experiment.types import Interaction, Plan


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
    """Say from when until when units take part; None where nothing is said of it.

    An end at midnight in UTC is that of the day before.
    """
    named = [
        (word, datetime.fromisoformat(instant).astimezone(UTC))
        for word, instant in (("from", start), ("until", end))
        if instant is not None
    ]
    if not named:
        return None
    said = " ".join(f"{word} {_in_utc(word, moment)} UTC" for word, moment in named)
    if not any(moment.astimezone().utcoffset() for _, moment in named):
        return f"{said} (local time is the same)"
    local = " ".join(f"{word} {moment.astimezone():%Y-%m-%d %H:%M}" for word, moment in named)
    return f"{said} ({local} local)"


def _in_utc(word: str, moment: datetime) -> str:
    if word == "until" and not moment.timestamp() % DAY:
        return f"the end of {moment - timedelta(days=1):%Y-%m-%d}"
    return f"{moment:%Y-%m-%d %H:%M}"


def ramp(found: Mapping[str, Any]) -> Iterator[str]:
    """Say at which step a ramp is, since when, and what the next waits for.

    `found` is a `RampStanding` as a document.
    """
    since = "from the next unit on"
    if found["since"] is not None:
        since = f"since {when(found['since'])}"
    yield (
        f"step {found['step']} of {len(found['steps'])}: {share(found['share'])} of "
        f"units to the treatments, {since}"
    )
    if found["back"] is not None:
        yield f"it went back to its first step: {words.one_line(found['back'])}"
    elif found["next_share"] is not None:
        due = f", not before {when(found['due'])}" if found["due"] is not None else ""
        yield (
            f"next {share(found['next_share'])}{due}; it waits for "
            f"{words.one_line(found['waits'])}"
        )


def planned(plan: Plan) -> Iterator[tuple[str, str]]:
    """Say the dates of a plan and its part of a layer, where it has any."""
    moments = (plan.start_date, plan.end_date)
    if told := dates(*(None if at is None else to_text(at) for at in moments)):
        yield "Dates", told
    if plan.layer is not None:
        yield "Layer", f"{words.name(plan.layer.name)}, {share(plan.layer.count / 1000)} of it"


def share(fraction: float) -> str:
    """Write a share of the units as per cent, a small one as well."""
    return f"{100 * fraction:.4g}%"


def interaction(found: Interaction) -> str:
    """Say what another experiment does to a treatment's effect."""

    def told(change: float | None) -> str:
        if change is None:
            return "unknown"
        return words.signed_per_cent(change) if found.relative else f"{change:+.3g}"

    ends = f"{told(found.interval.low)} to {told(found.interval.high)}"
    return (
        f"{words.name(found.treatment)} beside {words.name(found.beside)} of "
        f"{words.name(found.other)} ({words.counted(found.units, 'shared unit')}): "
        f"{told(found.together)} better with it, {told(found.alone)} without; difference "
        f"{told(found.difference)} ({ends}, at one look). It decides nothing."
    )


def explained_over_time(found: Mapping[str, Any]) -> Iterator[str]:
    """Say the dates and the step of an `Explanation` as a document."""
    if told := dates(found["start_date"], found["end_date"]):
        yield f"Units take part {told}."
    if found["ramp"] is not None:
        yield from (f"Ramp: {line}." for line in ramp(found["ramp"]))
