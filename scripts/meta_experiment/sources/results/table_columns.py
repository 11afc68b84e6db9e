"""Columns of a table: the role each plays, and which hold metrics."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from meta_experiment.errors import UsageError
from meta_experiment.model.fields import suggestion
from meta_experiment.records import dataclass
from meta_experiment.sources.results.cases import pairs_arms
from meta_experiment.sources.results.column_units import in_milliseconds, other_unit, words
from meta_experiment.sources.results.imported import Ledger
from meta_experiment.sources.results.result_words import (
    ARM_FIELDS,
    CASE_IDS,
    CASE_NAMES,
    DETAILS,
    METRIC_FIELDS,
    STATUS_FIELDS,
    TALLIES,
    TIME_FIELDS,
    WRAPPERS,
    snake,
)
from meta_experiment.sources.results.table_text import SourceTable
from meta_experiment.sources.results.wording import listed, quoted

_ROLES = {
    "variant": ARM_FIELDS,
    "case": (*CASE_IDS, *CASE_NAMES),
    "status": STATUS_FIELDS,
    "time": TIME_FIELDS,
}
# What stands in the names of columns that tell of many runs at once.
_OF_MANY = {"std", "stdev", "stddev", "sd", "sem", "stderr", "variance", "p25", "p50", "p75",
            "p90", "p95", "p99"}  # fmt: skip
_COUNTED = {name for pair in TALLIES for name in pair}
_MANY = 20  # names in a message
_NUMBER = re.compile(r"\s*[+-]?\d+([.,]\d+)?\s*%?")


@dataclass(frozen=True, slots=True)
class TableColumns:
    """The columns of a table by their meaning.

    `roles` gives the column of each role, None where there is none; `metrics` the metric's
    field by column, `mapped` those of them that the user named; `own` the column of each
    metric that only the user knows, `covariates` that of what was known before a run.
    """

    names: Sequence[str]
    roles: Mapping[str, str | None]
    metrics: Mapping[str, str]
    mapped: frozenset[str]
    own: Mapping[str, str]
    covariates: Mapping[str, str]

    @property
    def listed(self) -> str:
        """The names of all columns, for a message."""
        return listed(self.names, _MANY)

    @property
    def numbers(self) -> list[str]:
        """The columns that are read as numbers."""
        told = (*self.own.values(), *self.covariates.values())
        return list(dict.fromkeys([*self.metrics, *told, *self.counted]))

    @property
    def counted(self) -> list[str]:
        """The columns of counts of statements, where both of a pair are there."""
        by_name = {snake(column): column for column in self.names}
        pairs = (pair for pair in TALLIES if by_name.keys() >= {*pair})
        return list(dict.fromkeys(by_name[name] for pair in pairs for name in pair))

    def record(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a row says of its run, metrics by the names that they have everywhere.

        Of a metric that the user mapped no other column is left.
        """
        read = {*self.roles.values(), *self.own.values(), *self.covariates.values()}
        given = {_metric(self.metrics[column]) for column in self.mapped}
        record = {}
        for column, value in row.items():
            field = self.metrics.get(column, column)
            if column not in read and (column in self.mapped or _metric(field) not in given):
                record[field] = value
        return record


def find_columns(
    table: SourceTable,
    name: str,
    mapping: Mapping[str, str],
    ledger: Ledger,
    one_arm: bool,
    covariates: Mapping[str, str],
) -> TableColumns:
    """Recognise the columns of a table, or take them as the user says.

    Raises:
        UsageError: a column is not there, two have one meaning, none names the variant though
            all rows are not of `one_arm`, or the rows are sums over runs.
    """
    for flag, chosen in (("--map", mapping), ("--covariate", covariates)):
        for role, column in chosen.items():
            if column not in table.columns:
                raise UsageError(
                    f"{name} has no column '{column}' ({flag} {role}=…); it has "
                    f"{listed(table.columns, _MANY)}.",
                    hint=suggestion(column, table.columns),
                )
    _refuse_outcomes(covariates, mapping)
    named = {key: column for key, column in mapping.items() if key not in _ROLES}
    if not named:
        _refuse_aggregates(table, name)
    roles = _roles(table, name, mapping, ledger)
    if roles["variant"] is None and not one_arm:
        raise UsageError(
            f"{name}: no column is recognised as the variant; its columns are "
            f"{listed(table.columns, _MANY)}.",
            hint="Name it: --map variant=COLUMN (and --map case=COLUMN, "
            "--map duration_seconds=COLUMN …).",
        )
    taken = {*roles.values(), *named.values(), *covariates.values()}
    rest = [column for column in table.columns if column not in taken]
    for key, column in named.items():
        _refuse_other_unit(key, column, name)
    known = {
        column: snake(column) if _metric(column) == _metric(key) else key
        for key, column in named.items()
        if key in METRIC_FIELDS
    }
    given = {_metric(field) for field in known.values()}
    found = {
        column: snake(column)
        for column in rest
        if snake(column) in METRIC_FIELDS and _metric(snake(column)) not in given
    }
    _refuse_twins(found, name)
    _note_unread(table, [column for column in rest if column not in found], ledger)
    return TableColumns(
        names=table.columns,
        roles=roles,
        metrics=known | found,
        mapped=frozenset(known),
        own={key: column for key, column in named.items() if key not in METRIC_FIELDS},
        covariates=covariates,
    )


def _refuse_outcomes(covariates: Mapping[str, str], mapping: Mapping[str, str]) -> None:
    """Refuse as known before a run what by its name, or by the user's word, is its outcome."""
    outcomes = {*METRIC_FIELDS, *STATUS_FIELDS}
    for column in covariates.values():
        if snake(column) in outcomes or column in mapping.values():
            raise UsageError(
                f"--covariate: the column '{column}' tells what came of a run, so that its arm "
                "can move it; expected what was known before, such as the size of the task."
            )


def _refuse_aggregates(table: SourceTable, name: str) -> None:
    of_many = [column for column in table.columns if _OF_MANY.intersection(words(column))]
    if of_many:
        raise UsageError(
            f"{name} holds sums over runs and not the runs, as the column '{of_many[0]}' "
            "tells: a mean is not a trial.",
            hint="Import the rows of single runs. If each row is one run all the same, name "
            "its metric: --map duration_seconds=COLUMN",
        )


def _refuse_other_unit(metric: str, column: str, name: str) -> None:
    """Refuse a column that is in another unit by its name, unless it tells of that metric.

    Raises:
        UsageError: says which unit it is, and which is read.
    """
    other = other_unit(column, metric)
    if other is None or (_metric(column) is not None and _metric(column) == _metric(metric)):
        return
    word, unit = other
    hint = f"Write its values in {unit}, under a name without {word}."
    is_duration = METRIC_FIELDS.get(metric) == METRIC_FIELDS["duration_seconds"]
    if is_duration and in_milliseconds(column):
        hint = f"Milliseconds: --map {quoted(f'duration_ms={column}')}"
    raise UsageError(
        f"{name}: the column '{column}' is in {word} by its name, and {metric} is in {unit}.",
        hint=hint,
    )


def _metric(field: str) -> str | None:
    """Return the metric that a field of this name tells of."""
    known = METRIC_FIELDS.get(snake(field))
    return known and known[0]


def _roles(
    table: SourceTable, name: str, mapping: Mapping[str, str], ledger: Ledger
) -> dict[str, str | None]:
    free = [column for column in table.columns if column not in mapping.values()]
    roles: dict[str, str | None] = {}
    for role, names in _ROLES.items():
        columns = [mapping[role]] if role in mapping else _candidates(free, names, name)
        if role == "case" and role not in mapping:
            columns = list(_cases(table, columns, str(roles["variant"]), ledger))
        chosen = columns[0] if columns else None
        roles[role] = chosen
        if chosen is not None and role not in mapping:
            ledger.note(f"The column {chosen!r} was taken as the {role}.")
    if roles["case"] is None:
        ledger.note(
            "No column names the case, so that every row stands for itself and arms are "
            "compared as independent; with --map case=COLUMN they are compared case by case."
        )
    return roles


def _candidates(free: Iterable[str], names: Sequence[str], table: str) -> list[str]:
    """Return the columns that may play a role, in the order of their usual names."""
    by_name: dict[str, str] = {}
    for column in free:
        if snake(column) in names:
            _refuse_same(by_name.setdefault(snake(column), column), column, table)
    return [by_name[name] for name in names if name in by_name]


def _cases(
    table: SourceTable, columns: Sequence[str], variant: str, ledger: Ledger
) -> Iterator[str]:
    """Yield the columns that may name the case, those first whose cases are run in two arms.

    One that is different in every row names the row.
    """
    arms = [str(row.get(variant)) for row in table.rows]
    texts = {column: [_text_of(row.get(column)) for row in table.rows] for column in columns}
    pairing = [
        column for column in columns if pairs_arms(zip(texts[column], arms, strict=True))
    ]
    yield from pairing
    for column in columns:
        known = [text for text in texts[column] if text is not None]
        if len(set(arms)) > 1 and len(set(known)) == len(known):
            ledger.note(
                f"The column {column!r} is different in every row, so that it names the row "
                "and no case."
            )
        elif column not in pairing:
            yield column


def _text_of(value: object) -> str | None:
    return None if value in (None, "") else str(value)


def _refuse_twins(found: Mapping[str, str], name: str) -> None:
    by_field: dict[str, str] = {}
    for column, field in found.items():
        _refuse_same(by_field.setdefault(field, column), column, name)


def _refuse_same(one: str, other: str, name: str) -> None:
    if one != other:
        raise UsageError(
            f"{name}: the columns '{one}' and '{other}' have one meaning, so that it cannot be "
            "told which is meant.",
            hint="Say it with --map, or give one of them another name.",
        )


def _note_unread(table: SourceTable, columns: Sequence[str], ledger: Ledger) -> None:
    holding = {
        column
        for column in columns
        if snake(column) in (*WRAPPERS, *DETAILS)
        and any(isinstance(row.get(column), Mapping | list) for row in table.rows)
    }
    unread = [
        column for column in columns if column not in holding and snake(column) not in _COUNTED
    ]
    if unread:
        ledger.note(f"Columns that were not read: {listed(unread)}.")
    unnamed = {f"column {number}" for number, _ in enumerate(table.columns, start=1)}
    numbers = [it for it in unread if it not in unnamed and _is_of_numbers(table, it)]
    if numbers:
        column = numbers[0]
        shown = f"--map {quoted(f'{snake(column)}={column}')} --metric {quoted(snake(column))}"
        ledger.note(
            f"Numbers among them: {listed(numbers)}. One that matters decides by {shown} "
            "--direction higher (or lower)."
        )


def _is_of_numbers(table: SourceTable, column: str) -> bool:
    """Tell whether a column has numbers, and nothing else."""
    values = [it for row in table.rows if (it := row.get(column)) not in (None, "")]
    return bool(values) and all(map(_is_number, values))


def _is_number(value: object) -> bool:
    if isinstance(value, bool | int | float):
        return True
    return isinstance(value, str) and _NUMBER.fullmatch(value) is not None
