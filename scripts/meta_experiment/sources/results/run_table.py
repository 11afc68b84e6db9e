"""Tables of runs: CSV or JSON lines, columns recognised by their names or mapped by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from meta_experiment.errors import UsageError
from meta_experiment.files.headway import part, tell
from meta_experiment.model import strict_json
from meta_experiment.records import dataclass
from meta_experiment.sources.results import aggregates, values
from meta_experiment.sources.results.benchmark import Origin, instant
from meta_experiment.sources.results.column_units import in_per_cents
from meta_experiment.sources.results.imported import (
    NO_ARM,
    NO_CASE,
    ImportedTrials,
    Ledger,
    Run,
)
from meta_experiment.sources.results.measures import (
    PASS_RATES,
    counts,
    in_per_cent,
    measure,
    named,
    nothing_read,
)
from meta_experiment.sources.results.merging import UNNAMED_ARM
from meta_experiment.sources.results.notation import WrittenValue, decimal_of
from meta_experiment.sources.results.result_words import METRIC_FIELDS, snake
from meta_experiment.sources.results.table_columns import TableColumns, find_columns
from meta_experiment.sources.results.table_text import (
    LONGEST_LINE,
    MOST_ROWS,
    SourceTable,
    read_table,
)
from meta_experiment.sources.results.values import Decimal, NumberUnit
from meta_experiment.sources.results.wording import listed
from meta_experiment.types import TrialStatus

CSV_KIND, LINES_KIND = "csv", "json-lines"
_LINE_END = re.compile(r"\r\n|\r|\n")  # the only ones that no JSON text can hold inside
_STATUSES = {item.value: item for item in TrialStatus} | {
    "completed": TrialStatus.OK,
    "complete": TrialStatus.OK,
    "success": TrialStatus.OK,
    "pass": TrialStatus.OK,
    "passed": TrialStatus.OK,
    "fail": TrialStatus.OK,
    "failed": TrialStatus.OK,
    "failure": TrialStatus.ERROR,
    "crashed": TrialStatus.ERROR,
    "cancelled": TrialStatus.INTERRUPTED,
    "canceled": TrialStatus.INTERRUPTED,
    "aborted": TrialStatus.INTERRUPTED,
    "timed_out": TrialStatus.TIMEOUT,
}
Row = Mapping[str, Any]
_LOOKED_AT = 0.35  # of the time of a table, before its first row is read
_TOLD = 1000  # rows between two words on how far it is


@dataclass(frozen=True, slots=True)
class RowOptions:
    """Wishes of the user for the reading of rows.

    `columns` gives the column by role (`variant`, `case`, `status`, `time`) or metric name,
    `covariates` that of what was known before a run, `decimal` the sign before the decimals;
    None is left to what the table shows. `one_arm`: the user names the arm of all rows, so that
    no column must.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    decimal: Decimal | None = None
    one_arm: bool = False
    covariates: Mapping[str, str] = field(default_factory=dict)


def parse_csv(origin: Origin, text: str, wanted: RowOptions) -> ImportedTrials:
    """Read a table whose first line names its columns; commas, semicolons, tabs or bars.

    Raises:
        UsageError: no header, a column that is not there, or nothing that names the variant.
    """
    return parse_rows(origin, CSV_KIND, read_table(text, origin.name), wanted)


def parse_lines(origin: Origin, text: str, wanted: RowOptions) -> ImportedTrials:
    """Read one JSON object a line; blank lines are skipped.

    Raises:
        UsageError: names the line that is not a JSON object.
    """
    rows: list[Row] = []
    places: list[str] = []
    for number, line in enumerate(_LINE_END.split(text), start=1):
        if not line.strip():
            continue
        if len(line) > LONGEST_LINE:
            raise UsageError(f"{origin.name}, line {number}: longer than 1 MB.")
        value = strict_json.parse(line, f"{origin.name}, line {number}")
        if not isinstance(value, Mapping):
            raise UsageError(f"{origin.name}, line {number}: expected a JSON object.")
        if len(rows) >= MOST_ROWS:
            raise UsageError(f"{origin.name} has more than {MOST_ROWS:,} rows.")
        rows.append(value)
        places.append(f"line {number}")
    if aggregates.assignment_counts(rows):
        raise aggregates.refusal(origin.name, rows)
    return parse_rows(origin, LINES_KIND, objects(rows, places), wanted)


def objects(rows: Sequence[Row], places: Sequence[str] = ()) -> SourceTable:
    """Return JSON objects as a table; each is called by its number where nothing else is."""
    columns = dict.fromkeys(str(key) for row in rows for key in row)
    counted = [f"item {number}" for number in range(1, len(rows) + 1)]
    return SourceTable(tuple(columns), tuple(rows), tuple(places or counted))


def parse_rows(
    origin: Origin, kind: str, table: SourceTable, wanted: RowOptions
) -> ImportedTrials:
    """Read rows that are runs.

    Args:
        origin: where they are from.
        kind: what they are called in tags and messages.
        table: values by column.
        wanted: what the user says of the columns and their numbers.

    Raises:
        UsageError: there is no row, a column that is needed is not recognised, or numbers
            are not written in one way.
    """
    if not table.rows:
        raise UsageError(f"{origin.name} holds no rows.")
    ledger = Ledger()
    if origin.assumed:
        ledger.note(origin.assumed)
    columns = find_columns(
        table, origin.name, wanted.columns, ledger, wanted.one_arm, wanted.covariates
    )
    texts = (item for _, item in _written(columns, table))
    decimal = decimal_of(texts, origin.name, table.separator, wanted.decimal, ledger)
    _refuse_mixed_units(columns, table, origin.name, decimal)
    with part(_LOOKED_AT, 1.0):
        runs = list(_runs(columns, table, decimal, ledger, origin.name))
    if not any(run.metrics for run in runs):
        raise _nothing_measured(origin.name, columns, ledger)
    return ImportedTrials(
        kind=kind,
        name=origin.name,
        identity=origin.identity,
        runs=tuple(runs),
        excluded=dict(ledger.excluded),
        notes=ledger.notes(),
        at=min((run.at for run in runs if run.at is not None), default=None),
    )


def _nothing_measured(name: str, columns: TableColumns, ledger: Ledger) -> UsageError:
    if ledger.rejected:
        return nothing_read(f"{name}: no row has a metric", ledger)
    if columns.numbers:
        return UsageError(
            f"{name}: no row has a metric; {listed(columns.numbers)} holds no value.",
            hint="Import results that hold what was measured.",
        )
    return UsageError(
        f"{name}: no row has a metric; its columns are {columns.listed}.",
        hint="Say which column holds one: --map duration_seconds=COLUMN",
    )


def _written(columns: TableColumns, table: SourceTable) -> Iterator[tuple[str, WrittenValue]]:
    """Yield the texts of all columns that are read as numbers, by column."""
    fields = {**columns.metrics, **{column: name for name, column in columns.own.items()}}
    counted = {column: counts(fields.get(column, "")) for column in columns.numbers}
    for row, place in zip(table.rows, table.places, strict=True):
        for column, is_count in counted.items():
            value = row.get(column)
            if isinstance(value, str):
                yield column, WrittenValue(value, f"{place}, {column}", is_count)


def _refuse_mixed_units(
    columns: TableColumns, table: SourceTable, name: str, decimal: Decimal
) -> None:
    """Refuse plain numbers among those with a unit, where nothing says what they are in."""
    first: dict[tuple[str, NumberUnit], WrittenValue] = {}
    for column, item in _written(columns, table):
        reading = values.read(item.text, decimal)
        if reading.number is not None:
            first.setdefault((column, reading.unit), item)
    for (column, unit), item in first.items():
        plain = first.get((column, NumberUnit.NONE))
        is_rate = columns.metrics.get(column) in PASS_RATES  # read by a rule of their own
        unclear = (unit is NumberUnit.PER_CENT and not is_rate) or (
            unit is NumberUnit.SECONDS and not _names_unit(column)
        )
        if plain is not None and unclear:
            raise UsageError(
                f"{name}: some numbers of '{column}' have a unit, as {item}, and some have "
                f"none, as {plain}.",
                hint="Write all numbers of a column in one way.",
            )


def _names_unit(column: str) -> bool:
    """Say whether the name of a column says in what its plain numbers are."""
    return snake(column) in METRIC_FIELDS


def _runs(
    columns: TableColumns, table: SourceTable, decimal: Decimal, ledger: Ledger, name: str
) -> Iterator[Run]:
    roles = columns.roles
    records = [columns.record(_with_counts(row, columns, decimal)) for row in table.rows]
    per_cent = in_per_cent(records, decimal)
    if per_cent:
        ledger.note("Pass rates above 1 were read as per cents, so all of them are.")
    else:
        _refuse_small_per_cents(columns, table, decimal, name)
    seen: dict[tuple[str, str | None], int] = {}
    for number, (row, record) in enumerate(zip(table.rows, records, strict=True)):
        if number % _TOLD == 0:
            tell("reading rows", number, len(records))
        arm, case = _text(row, roles["variant"]), _text(row, roles["case"])
        arm = UNNAMED_ARM if roles["variant"] is None else arm
        if arm is None:
            ledger.exclude(NO_ARM)
            continue
        if case is None and roles["case"] is not None:
            ledger.exclude(NO_CASE)
            continue
        index = seen.get((arm, case), 0)
        seen[arm, case] = index + 1
        metrics = measure(record, ledger, per_cent=per_cent, decimal=decimal)
        for metric, column in columns.own.items():
            value = named(metric, row.get(column), ledger, decimal)
            if value is not None:
                metrics[metric] = value
        known = {
            covariate: value
            for covariate, column in columns.covariates.items()
            if (value := named(covariate, row.get(column), ledger, decimal)) is not None
        }
        status = _status(_text(row, roles["status"]), ledger)
        if not metrics:
            ledger.unmeasured(arm)
            status = TrialStatus.INTERRUPTED if status is TrialStatus.OK else status
        at = _at(_text(row, roles["time"]), ledger)
        yield Run(arm, case, index, metrics, status, at, covariates=known)


def _text(row: Row, column: str | None) -> str | None:
    value = None if column is None else row.get(column)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value).strip() or None


def _at(text: str | None, ledger: Ledger) -> float | None:
    at = instant(text)
    if text is not None and at is None:
        ledger.count("the time of a run is in no form known here and was left out.")
    return at


def _status(word: str | None, ledger: Ledger) -> TrialStatus:
    if word is None:
        return TrialStatus.OK
    status = _STATUSES.get(snake(word))
    if status is None:
        ledger.count(f"the status {word[:40]!r} is not known and was read as ok.")
    return status or TrialStatus.OK


def _with_counts(row: Row, columns: TableColumns, decimal: Decimal) -> Row:
    """Read counts of graded statements as whole numbers, where a row has both of a pair."""
    found = {}
    for column in columns.counted:
        number, _, unit = values.read(row.get(column), decimal)
        if number is not None and unit is NumberUnit.NONE and number.is_integer():
            found[column] = int(number)
    return {**row, **found} if found else row


def _refuse_small_per_cents(
    columns: TableColumns, table: SourceTable, decimal: Decimal, name: str
) -> None:
    """Refuse rates that are per cents by the name of their column and shares by their size."""
    rates = [
        column
        for column, field in columns.metrics.items()
        if field in PASS_RATES and in_per_cents(column)
    ]
    for column in rates:
        for row, place in zip(table.rows, table.places, strict=True):
            reading = values.read(row.get(column), decimal)
            if reading.number and reading.unit is NumberUnit.NONE:
                item = WrittenValue(str(row[column]), f"{place}, {column}")
                raise UsageError(
                    f"{name}: the column '{column}' is in per cents by its name, and none of "
                    f"its numbers is above 1, as {item}.",
                    hint="Write them with their sign, as 50%, or name the column without it.",
                )
