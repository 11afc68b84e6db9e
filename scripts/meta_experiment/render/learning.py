"""Page of what experiments taught."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.render import words
from meta_experiment.render.blocks import Facts, Heading, Page, Text, lines
from meta_experiment.types.results.learning import Happening, Learning, LearningAnswer

_FILES = 3
_OPEN = (
    "Take up what is open: meta-experiment plan --hypothesis TEXT; or drop it: meta-experiment "
    "learn ID --drop"
)


def learning(answer: LearningAnswer) -> Page:
    """Show entries, newest first; words of their writers in quotes."""
    if not answer.entries:
        return lines("Nothing is written down yet: meta-experiment learn ID --why … --next …")
    shown: Page = tuple(
        (
            Heading(words.name(entry.experiment_id), entry.judged.value, level=2),
            Facts(tuple(_facts(entry))),
        )
        for entry in answer.entries
    )
    if answer.written is not None:
        shown = (*shown, *lines(f"Written into {answer.file}."))
    if any(_fate(entry) == "open" for entry in answer.entries):
        shown = (*shown, *lines(_OPEN))
    return shown


def _facts(entry: Learning) -> Iterator[tuple[Text, Text]]:
    yield "Date", words.name(entry.date)
    for path in entry.files[:_FILES]:
        yield "File", words.name(path)
    yield "Hypothesis", words.quoted(entry.hypothesis)
    if entry.edited:
        yield "Edited", "by hand; its figures are not shown"
    elif entry.happened is not None:
        yield from _figures(entry.happened)
        if entry.predicted is not None:
            yield "Predicted", words.per_cent(entry.predicted, 1)
    yield "Why", words.quoted(entry.why)
    yield "Next", f"{words.quoted(entry.next)} ({_fate(entry)})"
    for found in entry.later:
        yield "Later", f"{words.name(found.date)}: {words.quoted(found.finding)}"
    if entry.before:
        yield "Before", words.counted(len(entry.before), "earlier wording")


def _figures(happened: Happening) -> Iterator[tuple[str, str]]:
    decision = f"{happened.decision} ({happened.reason_code})" if happened.decision else "none"
    yield "Decision", f"{decision}, {happened.status.value.replace('_', ' ')}"
    if happened.override is not None:
        yield "Override", words.quoted(happened.override)
    if happened.effect is not None:
        sides = ""
        if happened.interval is not None:
            low, high = happened.interval.low, happened.interval.high
            sides = (
                f" ({words.signed_per_cent(low)} to {words.signed_per_cent(high)} "
                f"at {words.per_cent(happened.interval.level)})"
            )
        yield "Effect", f"{words.signed_per_cent(happened.effect)}{sides}"
    units = ", ".join(f"{words.name(name)} {n:,}" for name, n in happened.units.items())
    time = "" if happened.days is None else f" in {words.days(happened.days)}"
    yield "Units", f"{units}{time}"
    for name, state in happened.guardrails.items():
        yield "Guardrail", f"{words.name(name)}: {state.value}"


def _fate(entry: Learning) -> str:
    if entry.taken_up_by is not None:
        return f"taken up by {words.name(entry.taken_up_by)}"
    return "dropped" if entry.dropped else "open"
