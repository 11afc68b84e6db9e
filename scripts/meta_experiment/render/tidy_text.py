"""Tables for other programs as text, a line at a time: CSV, and JSON lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

from meta_experiment.model.instants import to_text
from meta_experiment.render.words import harmless, harmless_json
from meta_experiment.types.tidy_table import Cell, ColumnKind, TidyTable

# what makes a spreadsheet take a text for a formula, which may then reach out
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_lines(table: TidyTable) -> Iterator[str]:
    """Yield the heading and the rows as RFC 4180 has them, but with a line feed at the end.

    A cell that is not known is empty. A text that a spreadsheet would run is led by an
    apostrophe, and what could steer a terminal is replaced; JSON lines keep both as they are.
    """
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\n")

    def line(cells: list[str]) -> str:
        held.seek(0)
        held.truncate()
        writer.writerow(cells)
        return harmless(held.getvalue())

    yield line([_text(column.name) for column in table.columns])
    for row in table.rows:
        cells = zip(row, table.columns, strict=True)
        yield line([_csv_cell(cell, column.kind) for cell, column in cells])


def json_lines(table: TidyTable) -> Iterator[str]:
    """Yield a JSON object for each row; a cell that is not known is left out."""
    for row in table.rows:
        cells = zip(row, table.columns, strict=True)
        document = {
            column.name: to_text(float(cell)) if column.kind == "moment" else cell
            for cell, column in cells
            if cell is not None
        }
        yield harmless_json(json.dumps(document, ensure_ascii=False)) + "\n"


def _csv_cell(cell: Cell, kind: ColumnKind) -> str:
    if cell is None:
        return ""
    if kind == "moment":
        return to_text(float(cell))
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return _text(cell) if isinstance(cell, str) else repr(cell)


def _text(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
