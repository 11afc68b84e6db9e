"""Blocks as Markdown, as a comment on a pull request or a page of a wiki has it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from meta_experiment.render import words
from meta_experiment.render.blocks import (
    Block,
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
from meta_experiment.render.markdown_text import code, html, inline
from meta_experiment.render.style import Style

_FENCE = re.compile(r"`{3,}")


def write(page: Page, style: Style) -> str:
    """Write every block as a paragraph of its own."""
    del style
    return "\n\n".join(written(block) for section in page for block in section)


def written(block: Block) -> str:
    """Write one block."""
    return _WRITTEN[type(block)](block)


def _heading(block: Heading) -> str:
    detail = _said(block.detail)
    line = f"{'#' * (block.level + 1)} {inline(block.title)}"
    return f"{line}\n\n{detail}" if detail else line


def _facts(block: Facts) -> str:
    return "\n".join(f"- {_labelled(label, value)}" for label, value in block.rows)


def _labelled(label: Text, value: Text) -> str:
    name = _said(label)
    return f"**{name}**: {_said(value)}" if name else _said(value)


def _table(block: Table) -> str:
    columns = block.columns
    rules = ("---:" if item.align == "right" else "---" for item in columns)
    rows = (
        words.markdown_row(inline(cell) for cell in (*row, *[""] * (len(columns) - len(row))))
        for row in block.rows
    )
    return "\n".join(
        (
            words.markdown_row(_said(item.title) for item in columns),
            words.markdown_row(rules),
            *rows,
        )
    )


def _notes(block: Notes) -> str:
    return "\n".join(f"- {inline(item)}" for item in block.items)


def _paragraph(block: Paragraph) -> str:
    return "  \n".join(_said(line) for line in block.lines)


def _commands(block: Commands) -> str:
    goes_on = (False, *(line.endswith("\\") for line in block.lines))
    prompts = ("" if going else "$ " for going in goes_on)
    typed = map("".join, zip(prompts, block.lines, strict=False))
    return _fenced("console", "\n".join(typed))


def _difference(block: Difference) -> str:
    return _fenced("diff", block.diff.rstrip().replace("\t", "    "))


def _fenced(language: str, text: str) -> str:
    text = "\n".join(map(words.printable, text.split("\n")))
    longest = max(map(len, _FENCE.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _figure(block: Figure) -> str:
    curves = (f"- {inline(it.name)}: {words.sparkline(it.values)}" for it in block.curves)
    return "\n".join((f"**{inline(block.title)}**", "", *curves))


def _forest(block: Forest) -> str:
    from meta_experiment.render.fit import plain
    from meta_experiment.render.pictures.characters import UNBOUNDED, forest_lines

    lines = forest_lines(block, UNBOUNDED)
    return _fenced("text", "\n".join(plain(line).rstrip() for line in lines))


def _folded(block: FoldedPart) -> str:
    inner = "\n\n".join(map(written, block.blocks))
    return f"<details>\n<summary>{html(block.title)}</summary>\n\n{inner}\n\n</details>"


def _said(text: Text) -> str:
    if isinstance(text, str):
        return inline(text)
    if isinstance(text, Emphasis) and text.tone == "code":
        return code(text.text)
    if isinstance(text, Emphasis):
        plain = text.tone == "dim" or not text.text.strip()
        return inline(text.text) if plain else f"**{inline(text.text)}**"
    return "".join(map(_said, text))


_WRITTEN: dict[type, Callable[[Any], str]] = {
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
