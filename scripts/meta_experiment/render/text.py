"""Blocks as text, plain or coloured, in lines as long as they are or as a terminal is wide."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from meta_experiment.render import words
from meta_experiment.render.blocks import (
    Block,
    Column,
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
from meta_experiment.render.fit import Cells, flowed, hanging, plain, seen, widths
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
    detail = ("  ", block.detail) if seen(block.detail) else ""
    yield from _flow((Emphasis(block.title, "strong"), detail), style)


def _facts(block: Facts, style: Style) -> Iterator[str]:
    for label, value in block.rows:
        head = ("  ", _padded(label, block.width), " ")
        yield from _flow(value, style, head=head, indent=min(block.width + 3, _DEEPEST))


def _table(block: Table, style: Style) -> Iterator[str]:
    rows = tuple(item.title for item in block.columns), *block.rows
    lines = [_row(block.columns, row) for row in rows]
    if style.width and max(map(seen, lines)) > style.width:
        lines = list(_narrow_table(block.columns, rows, style.width))
    for line in lines:
        yield _painted(line, style).rstrip() if style.width else _painted(line, style)


def _row(columns: Sequence[Column], row: Cells) -> Text:
    return " ", *(
        (" " * column.gap, _padded(cell, column.width, column.align))
        for column, cell in zip(columns, row, strict=False)
    )


def _narrow_table(
    columns: Sequence[Column], rows: Sequence[Cells], width: int
) -> Iterator[Text]:
    """Break the cells of the widest columns; where that does not do, write a row as a list."""
    shares = widths(columns, rows, width)
    if shares is None:
        yield from _stacked(columns, rows[1:], width)
        return
    narrow = [
        replace(column, width=share) for column, share in zip(columns, shares, strict=True)
    ]
    for row in rows:
        cells = [flowed(cell, share) for cell, share in zip(row, shares, strict=False)]
        yield from (_row(narrow, line) for line in zip_longest(*cells, fillvalue=""))


def _stacked(columns: Sequence[Column], rows: Sequence[Cells], width: int) -> Iterator[Text]:
    titles = max((seen(item.title) for item in columns), default=0)
    for row in rows:
        for place, (column, cell) in enumerate(zip(columns, row, strict=False)):
            head = "  " if place == 0 else ("    ", _padded(column.title, titles), " ")
            yield from hanging(head, cell, width, titles + 5 if place else 4)


def _notes(block: Notes, style: Style) -> Iterator[str]:
    for item in block.items:
        yield from _flow(item, style, head="  - ", indent=4)


def _lines(block: Paragraph, style: Style) -> Iterator[str]:
    for line in block.lines:
        begun = len(plain(line)) - len(plain(line).lstrip())
        yield from _flow(line, style, head=" " * block.indent, indent=block.indent + begun + 2)


def _commands(block: Commands, style: Style) -> Iterator[str]:
    del style
    for line in block.lines:
        yield f"  {line}"


def _difference(block: Difference, style: Style) -> Iterator[str]:
    paint = {"+": style.good, "-": style.bad}
    for line in block.diff.splitlines():
        yield paint.get(line[:1], str)(words.printable(line.replace("\t", "    ")))


def _figure(block: Figure, style: Style) -> Iterator[str]:
    yield style.strong(block.title)
    for curve in block.curves:
        yield f"  {curve.name:<11} {words.sparkline(curve.values)}"


def _forest(block: Forest, style: Style) -> Iterator[str]:
    from meta_experiment.render.pictures.characters import forest_lines

    for line in forest_lines(block, style.width):
        yield _painted(line, style).rstrip()


def _folded(block: FoldedPart, style: Style) -> Iterator[str]:
    yield style.strong(block.title)
    for inner in block.blocks:
        yield from _block(inner, style)


def _flow(text: Text, style: Style, *, head: Text = "", indent: int = 2) -> Iterator[str]:
    for line in hanging(head, text, style.width, indent):
        yield _painted(line, style)


def _padded(text: Text, width: int, align: str = "left") -> Text:
    """Fill up to a width by what is seen; colours take no room."""
    room = " " * (width - seen(text))
    return (text, room) if align == "left" else (room, text)


def _painted(text: Text, style: Style) -> str:
    if isinstance(text, str):
        return text.translate(_SPACES)
    if isinstance(text, Emphasis):
        paint: Callable[[str], str] = getattr(style, text.tone)
        return paint(text.text.translate(_SPACES))
    return "".join(_painted(part, style) for part in text)


_SPACES = {0x00A0: " ", 0x202F: " "}  # no line is broken at these, and none is searched for
_DEEPEST = 24  # columns that stand before a line that goes on
_WRITTEN: dict[type, Callable[[Any, Style], Iterator[str]]] = {
    Heading: _heading,
    Facts: _facts,
    Table: _table,
    Notes: _notes,
    Paragraph: _lines,
    Commands: _commands,
    Difference: _difference,
    Figure: _figure,
    Forest: _forest,
    FoldedPart: _folded,
}
