"""Page of `runs replay`: each turn as it was and as it is now."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from meta_experiment.render import words
from meta_experiment.render.blocks import (
    Column,
    Heading,
    Notes,
    Page,
    Paragraph,
    Section,
    Table,
)
from meta_experiment.render.case_mining import COMMIT_SOURCES
from meta_experiment.types.results.replay import Replay, ReplayEnd, ReplayFigures, ReplayTurn

_PROMPT = 28  # characters
_COMMIT = 12
_ANSWER_LINES = 20
_WRITTEN: dict[str, Callable[[float], str]] = {
    "cost": lambda value: f"${value:.4f}",
    "tokens": words.compact,
    "time": words.elapsed,
    "tools": lambda value: f"{value:,.0f}",
    "errors": lambda value: f"{value:,.0f}",
    "files": lambda value: f"{value:,.0f}",
}
_WIDTHS = {"cost": 17, "tokens": 13, "time": 15, "tools": 9, "errors": 8, "files": 8}


def replay_page(found: Replay) -> Page:
    """Show every turn and the whole, the record before the arrow and the replay behind it."""
    what = [found.variant and f"with {found.variant}", found.model and f"by {found.model}"]
    said = " ".join(item for item in what if item) or "as the project stood"
    head: Section = (
        Heading(f"Replay of {words.name(found.session)} {said}", found.reason),
        Paragraph((_where(found),), indent=2),
    )
    rows = (*map(_row, found.turns), *((_total(found),) if found.turns else ()))
    columns = (
        Column("turn", 5),
        *(Column(name, width, "right") for name, width in _WIDTHS.items()),
        Column("prompt"),
    )
    sections: list[Section] = [head, (Table(columns, rows),)]
    if found.ended is not ReplayEnd.PREVIEW:
        sections += _answers(found)
    return (*sections, (Notes(tuple(_remarks(found))),))


def turn_line(number: int, count: int, status: str, error: str) -> str:
    """Say on one line how a turn ended."""
    return f"turn {number:,} of {count:,}: {status}{f' ({error})' if error else ''}"


def _where(found: Replay) -> str:
    how = COMMIT_SOURCES[found.commit_by] if found.commit_by else "as you named it"
    dirty = "; not all was committed then, of which nothing is kept"
    return f"at {found.commit[:_COMMIT]}, {how}{dirty if found.clean is False else ''}"


def _row(turn: ReplayTurn) -> tuple[str, ...]:
    mark = "+" if turn.queued else ""
    failed = "" if turn.status in ("", "ok") else f"[{turn.status}] "
    prompt = words.one_line(f"{failed}{turn.prompt}", _PROMPT)
    return (f"{turn.number}{mark}", *_cells(turn.recorded, turn.replayed), prompt)


def _total(found: Replay) -> tuple[str, ...]:
    return ("all", *_cells(found.recorded, found.replayed), "")


def _cells(old: ReplayFigures | None, new: ReplayFigures | None) -> Iterator[str]:
    for name, pair in zip(_WRITTEN, zip(_values(old), _values(new), strict=True), strict=True):
        yield " → ".join("-" if it is None else _WRITTEN[name](it) for it in pair)


def _values(figures: ReplayFigures | None) -> tuple[float | None, ...]:
    it = figures or ReplayFigures()
    return (it.usd, it.tokens, it.seconds, it.tool_calls, it.tool_errors, it.files)


def _answers(found: Replay) -> Iterator[Section]:
    made = [turn for turn in found.turns if turn.status]
    if made:
        last = made[-1]
        for title, text in (("recorded", last.recorded_answer), ("replayed", last.answer)):
            lines = text.splitlines() or ["(none)"]
            shown = [words.one_line(line) for line in lines[:_ANSWER_LINES]]
            more = ["…"] if len(lines) > _ANSWER_LINES else []
            yield (
                Heading(f"Answer to turn {last.number}, {title}", level=2),
                Paragraph((*shown, *more), indent=2),
            )


def _remarks(found: Replay) -> Iterator[str]:
    if found.ended is not ReplayEnd.PREVIEW:
        yield (
            "One replay is no evidence: typed again, the same text by the same model comes out "
            "elsewhere. To decide between texts, make cases and run them: cases mine, run."
        )
    if found.variant and found.ended is not ReplayEnd.PREVIEW:
        seen = [str(turn.number) for turn in found.turns if turn.seen]
        yield (
            f"Its text was seen to reach the model in turn {', '.join(seen)}."
            if seen
            else "Its text was not seen to reach the model in any turn."
        )
    if any(turn.queued for turn in found.turns):
        yield (
            "+ was typed while the agent worked: it is a turn of its own here, and in the "
            "record part of the one before."
        )
    if found.estimated:
        yield "The cost of the record is estimated from its tokens."
    if found.unanswered:
        count = words.counted(found.unanswered, "prompt")
        yield f"Not typed again: {count} that the client answered itself."
    if found.pictures:
        count = words.counted(found.pictures, "prompt")
        yield f"{count} came with pictures, which are not given."
    if found.patch:
        yield f"All that it changed: {found.patch}"
    if found.ended is ReplayEnd.CAPPED:
        yield "The same call with a higher cap goes on from there."
    yield from found.notes
