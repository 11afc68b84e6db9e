"""Blocks as a page of the manual, for `man`: the macros of man(7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from textwrap import wrap
from typing import Any

from meta_experiment.render import words
from meta_experiment.render.blocks import (
    Commands,
    Difference,
    Emphasis,
    Facts,
    Figure,
    FoldedPart,
    Forest,
    Heading,
    Notes,
    Page,
    Paragraph,
    Table,
    Text,
)
from meta_experiment.render.style import Style

_NEW_PARAGRAPH = ".PP"
_WIDEST = 78  # signs of a line of the source


def write(page: Page, style: Style) -> str:
    """Write sections below one another, those of man by headings of the first level."""
    del style
    lines = [
        line for section in page for block in section for line in _WRITTEN[type(block)](block)
    ]
    return "\n".join(
        line
        for before, line in pairwise(("", *lines))
        if line != _NEW_PARAGRAPH or not before.startswith((".SH", ".SS"))  # which begin one
    )


def _heading(block: Heading) -> Iterator[str]:
    yield f".{'SH' if block.level <= 1 else 'SS'} {_argument(block.title)}"
    if block.detail:
        yield from _filled(block.detail)


def _facts(block: Facts) -> Iterator[str]:
    for label, value in block.rows:
        yield ".TP"
        yield from _filled(label)
        yield from _filled(value)


def _table(block: Table) -> Iterator[str]:
    titles = [_text(column.title) for column in block.columns]
    for row in block.rows:
        yield ".TP"
        yield from _filled(row[0])
        pairs = zip(titles[1:], row[1:], strict=False)
        yield _line("; ".join(f"{title} {_text(cell)}" for title, cell in pairs))


def _notes(block: Notes) -> Iterator[str]:
    for item in block.items:
        yield ".IP \\(bu 2"
        yield from _filled(item)


def _paragraph(block: Paragraph) -> Iterator[str]:
    yield _NEW_PARAGRAPH
    for number, line in enumerate(block.lines):
        if number:
            yield ".br"
        yield from _filled(line)


def _commands(block: Commands) -> Iterator[str]:
    yield from _verbatim(block.lines)


def _difference(block: Difference) -> Iterator[str]:
    yield from _verbatim(block.diff.splitlines())


def _figure(block: Figure) -> Iterator[str]:
    yield _NEW_PARAGRAPH
    yield _line(_text(block.title))
    for curve in block.curves:
        yield ".br"
        yield _line(_text(f"{curve.name} {words.sparkline(curve.values)}"))


def _forest(block: Forest) -> Iterator[str]:
    from meta_experiment.render.fit import plain
    from meta_experiment.render.pictures.characters import UNBOUNDED, forest_lines

    yield from _verbatim(plain(line) for line in forest_lines(block, UNBOUNDED))


def _folded(block: FoldedPart) -> Iterator[str]:
    yield from _heading(Heading(block.title, level=2))
    for inner in block.blocks:
        yield from _WRITTEN[type(inner)](inner)


def _verbatim(lines: Iterable[str]) -> Iterator[str]:
    yield _NEW_PARAGRAPH
    yield ".nf"
    for line in lines:
        yield _line(_text(line))
    yield ".fi"


def _filled(text: Text) -> Iterator[str]:
    for line in wrap(_text(text), _WIDEST, break_long_words=False, break_on_hyphens=False):
        yield _line(line)


def _text(text: Text) -> str:
    if isinstance(text, str):
        return _escaped(text)
    if isinstance(text, Emphasis):
        plain = text.tone == "dim" or not text.text
        return _escaped(text.text) if plain else f"\\fB{_escaped(text.text)}\\fR"
    return "".join(map(_text, text))


def _escaped(text: str) -> str:
    """Write a text so that nothing in it is a mark, and each hyphen one that can be copied."""
    plain = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga")
    return "".join(sign if sign.isascii() else f"\\[u{ord(sign):04X}]" for sign in plain)


def _line(text: str) -> str:
    """Write a line that is no request, whatever it begins with."""
    return f"\\&{text}" if text.startswith((".", "'")) else text


def _argument(text: str) -> str:
    return '"' + _escaped(text).replace('"', "\\(dq") + '"'


_WRITTEN: dict[type, Callable[[Any], Iterator[str]]] = {
    Heading: _heading,
    Facts: _facts,
    Table: _table,
    Notes: _notes,
    Paragraph: _paragraph,
    Commands: _commands,
    Difference: _difference,
    Figure: _figure,
    Forest: _forest,
    FoldedPart: _folded,
}
