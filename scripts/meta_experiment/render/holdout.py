"""Page of a holdout: what it takes, how it stands, and how it stood at its checkpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from meta_experiment.render import words
from meta_experiment.render.blocks import Block, Column, Facts, Heading, Page, Table, Text

if TYPE_CHECKING:  # the board starts without the types
    from meta_experiment.types.results.holdout import (
        HoldoutAnswer,
        HoldoutView,
    )


_ANSWERS = (
    ("still better", "still_better"),
    ("reversed", "reversed"),
    ("decayed", "decayed"),
)


def standing(found: Mapping[str, Any]) -> str:
    """Say what the three e-values are, of a standing as a document."""
    values = (f"{word} {words.e_value(found[name])}" for word, name in _ANSWERS)
    return f"e-values: {', '.join(values)}"


def holdout(answer: HoldoutAnswer) -> Page:
    """Show a holdout, or what one would take."""
    state = "not launched" if answer.status is None else answer.status.value
    title = words.name(answer.experiment_id or answer.of)
    section: list[Block] = [Heading(f"HOLDOUT  {title}", state), Facts(tuple(_facts(answer)))]
    if answer.views:
        section.append(_table(answer))
    return (section,)


def _facts(answer: HoldoutAnswer) -> Iterator[tuple[Text, Text]]:
    yield "Watches", words.name(answer.of)
    yield "Share", f"{words.per_cent(answer.share)} keep the text before the promotion"
    if answer.launched is not None and answer.last_day is not None:
        from meta_experiment.model.instants import DAY, day

        days = (answer.last_day - answer.launched) / DAY
        yield "Launched", f"{day(answer.launched)}, for {words.days(days)} at most"
    leave = "rolled back where it was launched" if answer.auto else "told, and left to you"
    yield "Reversed", leave
    yield "Decayed", f"below {words.per_cent(answer.decayed_below, 1)}, told"
    if answer.uses_per_day is not None:
        yield "So far", f"{answer.uses_per_day:,.3g} {answer.unit.value}s a day"
    found = answer.standing
    if found is not None:
        yield "Units", f"promoted {found.promoted:,}, previous {found.previous:,}"
        yield "Effect", _effect(answer)
        yield "Shown", standing({name: getattr(found, name) for _, name in _ANSWERS})
    if answer.decision is not None:
        yield "Decision", f"{answer.decision.value} ({answer.reason_code})"
    yield "Says", words.one_line(answer.sentence)


def _effect(found: HoldoutAnswer | HoldoutView) -> str:
    sides = "" if found.interval is None else f" ({words.interval(found.interval)})"
    return f"{words.signed_per_cent(found.effect)}{sides}"


def _table(answer: HoldoutAnswer) -> Table:
    titles = ("after", "units", "effect", "still better", "reversed", "decayed")
    rows = (
        (
            f"{view.days} days",
            f"{view.standing.promoted + view.standing.previous:,}",
            words.signed_per_cent(view.effect),
            words.e_value(view.standing.still_better),
            words.e_value(view.standing.reversed),
            words.e_value(view.standing.decayed),
        )
        for view in answer.views
    )
    columns = tuple(Column(title, 13, "right") for title in titles)
    return Table(columns, tuple(rows))
