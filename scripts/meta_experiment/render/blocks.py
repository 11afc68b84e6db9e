"""Blocks of a screen, which a writer turns into text, or into another form.

A page is a row of sections, and a section a row of blocks that belong together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

from meta_experiment.records import dataclass

Tone = Literal["strong", "dim", "good", "bad", "warn", "code"]


@dataclass(frozen=True, slots=True)
class Emphasis:
    """Words in a tone; the tone is never the only carrier of a meaning."""

    text: str
    tone: Tone


Text: TypeAlias = "str | Emphasis | tuple[Text, ...]"


@dataclass(frozen=True, slots=True)
class Heading:
    """Subject of the blocks below, and a detail that stands beside it.

    `level` is 1 for the page or a part of it, and 2 for what stands within; 0 is the title of
    a document.
    """

    title: str
    detail: Text = ""
    level: int = 1


@dataclass(frozen=True, slots=True)
class Facts:
    """Labels with their values; `width` is that of the labels where letters have one width."""

    rows: tuple[tuple[Text, Text], ...]
    width: int = 11


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `width` and the `gap` before it count where letters have one width."""

    title: Text
    width: int = 0
    align: Literal["left", "right"] = "left"
    gap: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells below the titles of their columns; a row may end early."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Notes:
    """Sentences, each of which stands for itself."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines of running text, one below the other."""

    lines: tuple[Text, ...]
    indent: int = 0


@dataclass(frozen=True, slots=True)
class Commands:
    """Lines to be typed, which stay as they are."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """Changes of files, as a unified diff."""

    diff: str


@dataclass(frozen=True, slots=True)
class Curve:
    """Course of a number, from its first value to its last."""

    name: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """Curves that are looked at together."""

    title: str
    curves: tuple[Curve, ...]


@dataclass(frozen=True, slots=True)
class ForestLine:
    """Change of a metric by an arm, as fractions and in words; `arm` is told of several.

    `number` is that of the arm's mark and colour.

    `margin` is how much worse a guardrail may get, `goal` the change worth having.
    """

    label: str
    arm: str
    number: int
    effect: float | None
    low: float | None
    high: float | None
    margin: float | None
    goal: float | None
    change: str
    between: str
    sign: str
    word: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Forest:
    """Changes on one axis, from minus to plus `reach`, on which right is better."""

    reach: float
    lines: tuple[ForestLine, ...]


@dataclass(frozen=True, slots=True)
class FoldedPart:
    """Blocks that are shown when they are asked for, where a form can fold."""

    title: str
    blocks: tuple[Block, ...]


Block = (
    Heading
    | Facts
    | Table
    | Notes
    | Paragraph
    | Commands
    | Difference
    | Figure
    | Forest
    | FoldedPart
)
Section = Sequence[Block]
Page = Sequence[Section]


def remarks(texts: Iterable[str], title: str = "") -> Page:
    """Return a section of notes, under a title if they have one; nothing without a note."""
    items = tuple(texts)
    if not items:
        return ()
    return ((Heading(title, level=2), Notes(items)),) if title else ((Notes(items),),)


def lines(*texts: Text) -> Page:
    """Return a page of nothing but these lines."""
    return ((Paragraph(texts),),)
