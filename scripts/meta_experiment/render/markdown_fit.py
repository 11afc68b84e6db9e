"""Markdown within a limit: folded parts are shortened from their end, the longest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from meta_experiment.render.blocks import (
    Block,
    Commands,
    Difference,
    Emphasis,
    Facts,
    FoldedPart,
    Notes,
    Paragraph,
    Table,
)
from meta_experiment.render.markdown import written

_LINES: dict[type, str] = {Table: "rows", Facts: "rows", Notes: "items", Commands: "lines"}
_BETWEEN = 2  # line ends between blocks


def fitted(head: str, parts: Sequence[FoldedPart], most: int, whole: str) -> str:
    """Write parts below a head in at most so many characters.

    `whole` is the command that shows what is left out.
    """
    texts = [written(part) for part in parts]
    room = most - len(head) - _BETWEEN * len(parts) - 1
    if sum(map(len, texts)) > room:
        cap = _largest(lambda it: sum(min(it, len(text)) for text in texts) <= room, most)
        texts = [
            text if len(text) <= cap else _cut(part, cap, whole)
            for part, text in zip(parts, texts, strict=True)
        ]
    return "\n\n".join((head, *texts)) + "\n"


def _cut(part: FoldedPart, most: int, whole: str) -> str:
    """Write as many rows of a part as there is room for, and say how many there are more."""
    total = sum(map(_count, part.blocks))
    kept = _largest(lambda it: len(_written(part, it, total, whole)) <= most, total)
    return _written(part, kept, total, whole)


def _written(part: FoldedPart, rows: int, total: int, whole: str) -> str:
    blocks: list[Block] = []
    left = rows
    for block in part.blocks:
        held = min(left, _count(block))
        left -= held
        if held:
            blocks.append(_first(block, held))
    more = f"Left out here: {total - rows:,} of {total:,} lines. All are shown by "
    blocks.append(Paragraph(((more, Emphasis(whole, "code")),)))
    return written(FoldedPart(part.title, tuple(blocks)))


def _largest(fits: Callable[[int], bool], most: int) -> int:
    """Return the largest number up to `most` that fits, or zero."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle):
            low = middle
        else:
            high = middle - 1
    return low


def _count(block: Block) -> int:
    """Count the lines of a block that can be left out one by one."""
    if isinstance(block, Difference):
        return len(block.diff.split("\n"))
    field = _LINES.get(type(block))
    return 1 if field is None else len(getattr(block, field))


def _first(block: Block, many: int) -> Block:
    """Return a block with so many of its lines."""
    if isinstance(block, Difference):
        return Difference("\n".join(block.diff.split("\n")[:many]))
    field = _LINES.get(type(block))
    if field is None:
        return block
    kept: dict[str, Any] = {field: getattr(block, field)[:many]}
    return replace(block, **kept)
