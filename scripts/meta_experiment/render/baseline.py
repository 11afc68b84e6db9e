"""The past of a prompt file."""

from __future__ import annotations

from meta_experiment.render import words
from meta_experiment.render.blocks import (
    Column,
    Emphasis,
    Heading,
    Page,
    Paragraph,
    Section,
    Table,
)
from meta_experiment.render.forecast import reach
from meta_experiment.types.results.baseline import MetricSpread, UsageBaseline
from meta_experiment.types.results.noise import NoiseFloor


def baseline(seen: UsageBaseline) -> Page:
    """Show how the prompt file did so far, and what an experiment could show."""
    known = {item.metric: item.n for item in seen.spreads}
    ahead = reach(seen.plan, seen.outlook, seen.warnings, known.get(seen.metric, 0))
    return (_usage(seen), (Paragraph((_halves(seen.halves, seen.metric),)),), *ahead)


def _usage(seen: UsageBaseline) -> Section:
    rate = "" if seen.per_day is None else f", {words.compact(seen.per_day)} a day"
    endings = ", ".join(f"{count:,} {status}" for status, count in seen.statuses.items())
    title = (
        f"{seen.name}: {words.counted(seen.uses, 'use')} in "
        f"{words.counted(seen.sessions, 'session')} over {words.days(seen.days)}"
        f"{rate} ({endings})"
    )
    columns = (
        Column(f"per {seen.unit}", 18),
        Column("median", 12, "right"),
        Column("mean", 12, "right"),
        Column("4 of 5 lie within", 26, "right"),
    )
    return (
        Heading(title),
        Table(columns, tuple(map(_spread, seen.spreads))),
        Paragraph(tuple(Emphasis(text, "dim") for text in _left_out(seen)), indent=2),
    )


def _spread(item: MetricSpread) -> tuple[str, ...]:
    median, mean, low, high = (
        words.quantity(value, item.unit)
        for value in (item.median, item.mean, item.low, item.high)
    )
    return item.metric, median, mean, f"{low} – {high}"


def _left_out(seen: UsageBaseline) -> list[str]:
    sentences = []
    if seen.per_day is not None and seen.rate_days > seen.days:
        sentences.append(
            f"a day's uses are counted as if these were of {words.days(seen.rate_days)}: "
            "a shorter time tells of no day"
        )
    if seen.uses_under_experiment:
        more = words.counted(seen.uses_under_experiment, "more use")
        sentences.append(
            f"left out: {more}, made during an experiment on it with several texts"
        )
    if seen.transcripts_left_out:
        sentences.append(
            f"from the newest {seen.transcripts:,} transcripts; "
            f"{seen.transcripts_left_out:,} older ones were not read"
        )
    return sentences


def _halves(seen: NoiseFloor | None, metric: str) -> str:
    """Say how far two halves of one past differ by chance."""
    if seen is None:
        return f"Too few values of {metric} to compare two halves of this past."
    return (
        f"Two random halves of this past ({seen.units:,} each) differ in {metric} by more than "
        f"{words.per_cent(seen.typical, 1)} half of the time, and by more than "
        f"{words.per_cent(seen.large, 1)} 1 time in 20, by chance alone."
    )
