"""A table of an experiment as a notebook or a prompt of Python shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from meta_experiment.model.instants import to_text
from meta_experiment.render.markup import Markup, element
from meta_experiment.render.words import compact, counted, one_line
from meta_experiment.types.tidy_table import Cell, ColumnKind

_FIRST_ROWS = 10
_LONGEST_CELL = 60
_LONGEST_NAME = 44
_KINDS: Mapping[ColumnKind, str] = {
    "text": "text",
    "number": "number",
    "whole": "whole number",
    "flag": "true or false",
    "moment": "moment, UTC",
}
_NUMBERS = ("number", "whole")
# without a colour of its own, so that it is read on a light page and on a dark one
_RULE = "border:0;border-bottom:1px solid rgba(128,128,128,.4);padding:.2em .8em"


def frame_text(
    title: str,
    rows: int,
    kinds: Mapping[str, ColumnKind],
    cells: Mapping[str, Sequence[Cell]],
) -> str:
    """Name the columns one below the other, with their types and the first row."""
    names = [one_line(name, _LONGEST_NAME) for name in cells]
    width = max(map(len, names), default=0)
    lines = [_heading(title, rows, cells)]
    for name, (column, found) in zip(names, cells.items(), strict=True):
        kind = kinds[column]
        first = _cell(found[0], kind) if found else ""
        lines.append(f"  {name:<{width}}  {_KINDS[kind]:<13}  {first}".rstrip())
    return "\n".join(lines)


def frame_html(
    title: str,
    rows: int,
    kinds: Mapping[str, ColumnKind],
    cells: Mapping[str, Sequence[Cell]],
) -> Markup:
    """Write the first rows as a table that is scrolled where it is too wide."""
    sides = {
        name: f"{_RULE};text-align:{'right' if kind in _NUMBERS else 'left'};white-space:nowrap"
        for name, kind in kinds.items()
    }
    heads = [
        element(
            "th",
            one_line(name, _LONGEST_NAME),
            element("br"),
            element("small", _KINDS[kinds[name]], style="font-weight:normal"),
            scope="col",
            style=sides[name],
        )
        for name in cells
    ]
    lines = [
        element(
            "tr",
            *(
                element("td", _cell(cell, kinds[name]), style=sides[name])
                for name, cell in zip(cells, row, strict=True)
            ),
            style="background:none",
        )
        for row in islice(zip(*cells.values(), strict=True), _FIRST_ROWS)
    ]
    more = f"{rows - _FIRST_ROWS:,} more" if rows > _FIRST_ROWS else None
    inner = element(
        "table",
        element(
            "caption",
            _heading(title, rows, cells),
            style="caption-side:top;text-align:left;font-weight:bold;padding:.4em .8em;"
            "color:inherit",
        ),
        element("thead", element("tr", *heads)),
        element("tbody", *lines),
        style="border-collapse:collapse;font-variant-numeric:tabular-nums;color:inherit;"
        "background:none;margin:0",
    )
    below = more and element("p", f"… {more}", style="padding:0 .8em;margin:.4em 0")
    return element(
        "div",
        inner,
        below,
        style="overflow-x:auto;color:inherit",
        tabindex="0",
        role="region",
        aria_label=one_line(title),
    )


def _heading(title: str, rows: int, cells: Mapping[str, Sequence[Cell]]) -> str:
    return f"{one_line(title)}: {counted(rows, 'row')}, {counted(len(cells), 'column')}"


def _cell(cell: Cell, kind: ColumnKind) -> str:
    if cell is None:
        return "–"
    if kind == "moment":
        return to_text(float(cell) / 1_000_000)
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return compact(cell)
    return f"{cell:,}" if isinstance(cell, int) else one_line(cell, _LONGEST_CELL)
