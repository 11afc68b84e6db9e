"""The text of a table: columns, rows, and where each row stands. Nothing is interpreted."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from typing import Any

from meta_experiment.errors import UsageError
from meta_experiment.records import dataclass

LONGEST_LINE = 1024 * 1024
MOST_ROWS = 250_000
SEPARATORS = ",;\t|"
_STATED = re.compile(
    r'"?sep=(.)"?(?:\r\n|\r|\n)', re.IGNORECASE
)  # what spreadsheets write first
_RULE = " \t\u00a0-:"  # of the line below the header of a table in Markdown
_END = re.compile(r"[\r\n]")


@dataclass(frozen=True, slots=True)
class SourceTable:
    """Rows of values by column, each with the words that say where it stands.

    `separator` is what parts the columns, empty where nothing does.
    """

    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]
    places: tuple[str, ...]
    separator: str = ""


def read_table(text: str, name: str) -> SourceTable:
    """Read a table whose first line names its columns.

    Raises:
        UsageError: no header, a name that two columns have, or a row that is longer or
            shorter than the header; the error says which.
    """
    stated = _STATED.match(text)
    first = 2 if stated else 1
    text = text[stated.end() :] if stated else text
    if not _END.search(text, 0, LONGEST_LINE) and len(text) > LONGEST_LINE:
        raise UsageError(f"{name}: its first line is longer than 1 MB; no header.")
    separator = stated[1] if stated else _separator(text)
    reader = _reader(text, separator)
    try:
        columns = _columns(next(reader, []), name)
        rows = [
            (f"row {number}", dict(zip(columns, line, strict=True)))
            for number, line in _lines(reader, name, columns, first + 1)
        ]
    except csv.Error as error:
        raise UsageError(f"{name}, line {reader.line_num}: not valid CSV ({error}).") from error
    return SourceTable(
        columns, tuple(row for _, row in rows), tuple(place for place, _ in rows), separator
    )


def _reader(text: str, separator: str) -> Any:  # noqa: ANN401 - the type has no public name
    csv.field_size_limit(LONGEST_LINE)
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)


def _separator(text: str) -> str:
    """Return the separator by which the header has the most columns."""

    def columns(separator: str) -> int:
        try:
            return len(next(_reader(text, separator), []))
        except csv.Error:
            return 0

    return max(SEPARATORS, key=columns)


def _columns(header: list[str], name: str) -> tuple[str, ...]:
    """Name the columns; one without a name, such as an index, is called by its number."""
    named = [column.strip() for column in header]
    if sum(map(bool, named)) < 2:
        raise UsageError(
            f"{name}: its first line is no header; expected two or more column names, found "
            f"{'; '.join(header)[:80]!r}.",
            hint="Results are read from JSON, JSON lines or CSV.",
        )
    twice = next((column for column in named if column and named.count(column) > 1), None)
    if twice is not None:
        raise UsageError(
            f"{name}: two columns are called '{twice}'; which is meant cannot be told.",
            hint="Give each column a name of its own.",
        )
    return tuple(column or f"column {number}" for number, column in enumerate(named, start=1))


def _lines(
    reader: Iterator[list[str]], name: str, columns: tuple[str, ...], first: int
) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that hold anything, with their numbers as a spreadsheet counts them."""
    longest = 0  # of the first row; empty values behind the last are the same in all rows
    for number, line in enumerate(reader, start=first):
        if number > MOST_ROWS:
            raise UsageError(f"{name} has more than {MOST_ROWS:,} rows.")
        if sum(map(len, line)) > LONGEST_LINE:
            raise UsageError(f"{name}, row {number}: longer than 1 MB.")
        if not any(value.strip(_RULE) for value in line):
            continue
        longest = longest or len(line)
        while len(columns) < len(line) <= longest and not line[-1].strip():
            line.pop()
        if len(line) > len(columns):
            raise UsageError(
                f"{name}, row {number}: {len(line)} values under {len(columns)} columns.",
                hint="Put values that hold the separator into quotes.",
            )
        if len(line) < len(columns):
            raise UsageError(
                f"{name}, row {number}: {len(line)} values under {len(columns)} columns, so "
                "that it cannot be told which are missing.",
                hint="Write the separators of empty values too.",
            )
        yield number, line
