"""Trials and experiments as tables for other programs: one a row, one number a column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from meta_experiment.model.instants import from_text
from meta_experiment.types import Trial
from meta_experiment.types.tidy_table import Cell, ColumnKind, TidyColumn, TidyTable

_TRIAL: tuple[tuple[str, ColumnKind], ...] = (
    ("trial_id", "text"),
    ("variant", "text"),
    ("unit", "text"),
    ("order", "whole"),
    ("exposed", "flag"),
    ("status", "text"),
    ("excluded", "text"),
    ("assigned_at", "moment"),
    ("closed_at", "moment"),
)
_EXPERIMENT: tuple[tuple[str, ColumnKind], ...] = (
    ("id", "text"),
    ("name", "text"),
    ("status", "text"),
    ("hypothesis", "text"),
    ("files", "text"),
    ("created", "moment"),
    ("started", "moment"),
    ("primary.metric", "text"),
    ("progress.trials", "whole"),
    ("progress.smallest_arm", "whole"),
    ("progress.needed_per_arm", "whole"),
    ("decision", "text"),
    ("reason_code", "text"),
    ("winner", "text"),
    ("leading", "text"),
    ("improvement", "number"),
    ("stage", "text"),
    ("next_action", "text"),
)


def tidy_trials(found: Sequence[Trial]) -> TidyTable:
    """Return trials as a table, in the order in which they are handed over."""
    groups: dict[str, ColumnKind] = {
        "metrics": "number",
        "covariates": "number",
        "fingerprint": "text",
    }
    named = [
        (group, name, kind)
        for group, kind in groups.items()
        for name in sorted({name for trial in found for name in getattr(trial, group)})
    ]
    columns = [TidyColumn(name, kind) for name, kind in _TRIAL]
    columns += [TidyColumn(f"{group}.{name}", kind) for group, name, kind in named]
    return TidyTable(tuple(columns), _trial_rows(found, [it[:2] for it in named]))


def _trial_rows(
    trials: Sequence[Trial], named: Sequence[tuple[str, str]]
) -> Iterator[Sequence[Cell]]:
    for trial in trials:
        status = None if trial.status is None else str(trial.status)
        row: list[Cell] = [trial.trial_id, trial.variant, trial.unit, trial.order]
        row += [trial.exposed, status, trial.excluded, trial.assigned_at, trial.closed_at]
        row += [getattr(trial, group).get(name) for group, name in named]
        yield row


def tidy_experiments(rows: Sequence[Mapping[str, Any]]) -> TidyTable:
    """Return the rows of the board, of each what can stand in one cell."""
    columns = tuple(TidyColumn(name, kind) for name, kind in _EXPERIMENT)
    return TidyTable(columns, ([_cell(row, it) for it in columns] for row in rows))


def _cell(row: Mapping[str, Any], column: TidyColumn) -> Cell:
    value: Any = row
    for name in column.name.split("."):
        value = value[name]
    if isinstance(value, list):
        return " ".join(map(str, value))
    if column.kind == "moment" and isinstance(value, str):
        with suppress(ValueError):
            return from_text(value)
    cell: Cell = None if value is None or column.kind == "moment" else value
    return str(cell) if column.kind == "text" and cell is not None else cell
