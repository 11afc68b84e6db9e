"""Blocks as plain text, or coloured as a style says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from meta_experiment.render import words
from meta_experiment.render.blocks import (
    Block,
    Column,
    Difference,
    Emphasis,
    Facts,
    Figure,
    Heading,
    Notes,
    Page,
    Paragraph,
    Table,
    Text,
)
from meta_experiment.render.style import Style


def write(page: Page, style: Style) -> str:
    """Write sections with an empty line between them, and the blocks of each without."""
    return "\n\n".join(
        "\n".join(line for block in section for line in _block(block, style))
        for section in page
    )


def _block(block: Block, style: Style) -> Iterator[str]:
    return _WRITTEN[type(block)](block, style)


def _heading(block: Heading, style: Style) -> Iterator[str]:
    detail = _painted(block.detail, style)
    yield style.strong(block.title) + (f"  {detail}" if detail else "")


def _facts(block: Facts, style: Style) -> Iterator[str]:
    for label, value in block.rows:
        yield f"  {_padded(label, block.width, style)} {_painted(value, style)}"


def _table(block: Table, style: Style) -> Iterator[str]:
    for row in (tuple(item.title for item in block.columns), *block.rows):
        cells = zip(block.columns, row, strict=False)
        yield " " + "".join(_cell(column, cell, style) for column, cell in cells)


def _cell(column: Column, cell: Text, style: Style) -> str:
    return " " * column.gap + _padded(cell, column.width, style, column.align)


def _notes(block: Notes, style: Style) -> Iterator[str]:
    del style
    for item in block.items:
        yield f"  - {item}"


def _lines(block: Paragraph, style: Style) -> Iterator[str]:
    for line in block.lines:
        yield " " * block.indent + _painted(line, style)


def _difference(block: Difference, style: Style) -> Iterator[str]:
    paint = {"+": style.good, "-": style.bad}
    for line in block.diff.splitlines():
        yield paint.get(line[:1], str)(words.printable(line.replace("\t", "    ")))


def _figure(block: Figure, style: Style) -> Iterator[str]:
    yield style.strong(block.title)
    for curve in block.curves:
        yield f"  {curve.name:<11} {words.sparkline(curve.values)}"


def _padded(text: Text, width: int, style: Style, align: str = "left") -> str:
    """Fill up to a width by what is seen; colours take no room."""
    room = " " * (width - len(_painted(text, _PLAIN)))
    painted = _painted(text, style)
    return painted + room if align == "left" else room + painted


def _painted(text: Text, style: Style) -> str:
    if isinstance(text, str):
        return text
    if isinstance(text, Emphasis):
        paint: Callable[[str], str] = getattr(style, text.tone)
        return paint(text.text)
    return "".join(_painted(part, style) for part in text)


_PLAIN = Style()
_WRITTEN: dict[type, Callable[[Any, Style], Iterator[str]]] = {
    Heading: _heading,
    Facts: _facts,
    Table: _table,
    Notes: _notes,
    Paragraph: _lines,
    Difference: _difference,
    Figure: _figure,
}
