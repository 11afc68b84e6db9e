"""Page of `collect`: what an engine computed, what was kept of it, what did not count."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.render import words
from meta_experiment.render.blocks import (
    Emphasis,
    Facts,
    Heading,
    Page,
    Paragraph,
    Text,
    lines,
    remarks,
)
from meta_experiment.types.results.collection import Collection, CollectionQuery, MappingDraft

_LEFT_OUT = {
    "no_unit": ("row", "without a unit"),
    "no_variant": ("row", "without a variant"),
    "no_time": ("row", "without a time"),
    "other_variant": ("row", "of other variants"),
    "later": ("row", "of a later time than is asked for"),
    "tainted": ("unit", "seen in two variants, which count in none"),
    "gated": ("unit", "exposed outside the plan's dates"),
    "waiting": ("unit", "whose windows are not over yet"),
}
_SKIPPED = {
    "not_finite": "no finite number",
    "not_positive": "not above zero, where logarithms are compared",
    "not_binary": "neither 0 nor 1",
    "no_value": "without a value",
}


def collected(done: Collection) -> Page:
    """Show what was collected, and what it comes to."""
    facts = tuple(_facts(done))
    word = (Emphasis(done.decision.value, "strong"), f" ({done.reason_code.value})")
    return (
        (
            Heading(words.name(done.experiment_id), f"from {words.printable(done.engine)}"),
            Facts(facts, width=max(len(str(name)) for name, _ in facts)),
        ),
        *remarks(_left_out(done), "Left out"),
        *remarks(_late(done), "Came late"),
        *remarks(map(words.one_line, done.notes), "Noted"),
        (Paragraph((word,)), Paragraph((words.one_line(done.reason),), indent=2)),
        (
            Facts(
                (("Next", f"meta-experiment analyze {words.name(done.experiment_id)}"),),
                width=5,
            ),
        ),
    )


def asked(found: CollectionQuery) -> Page:
    """Show the queries, each under its name as a comment."""
    return tuple(
        (Paragraph((f"-- {name}\n{query};",)),) for name, query in found.queries.items()
    )


def drafted(made: MappingDraft) -> Page:
    """Show a draft as it is to be kept in a file."""
    return lines(*made.text.splitlines())


def _facts(done: Collection) -> Iterator[tuple[str, Text]]:
    days = words.counted(done.days, "day")
    until = f", until {done.through}" if done.through else ""
    new = f" ({done.added:,} new)" if done.through else ""
    yield "Days", f"{days}{until}{new}" if done.through else "no time: one look"
    for name, arm in done.arms.items():
        yield words.name(name), words.counted(arm.units, "unit")
    for name, metric in done.metrics.items():
        missing = f", {metric.missing:,} without a value" if metric.missing else ""
        yield words.name(name), f"{words.counted(metric.units, 'unit')}{missing}"


def _left_out(done: Collection) -> Iterator[str]:
    for reason, number in done.left_out.items():
        noun, said = _LEFT_OUT[reason]
        yield f"{words.counted(number, noun)} {said}"
    for name, metric in done.metrics.items():
        for reason, number in metric.skipped.items():
            said = _SKIPPED.get(reason, reason)
            yield f"{words.counted(number, 'event')} of {words.name(name)}: {said}"


def _late(done: Collection) -> Iterator[str]:
    for item in done.late:
        units = f"{item.units:+,} units" if item.units else "other values"
        yield f"{item.day} has {units} now; it stays as it was decided on"
