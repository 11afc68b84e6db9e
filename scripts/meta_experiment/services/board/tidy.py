"""Trials and experiments as tables for other programs: one a row, one number a column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from meta_experiment.model.instants import from_text
from meta_experiment.model.metrics import known_metric
from meta_experiment.types import MetricKind, Plan, Trial
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
_EXACT = 2.0**53  # up to which each whole number is a double of its own
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


def tidy_trials(found: Sequence[Trial], plan: Plan) -> TidyTable:
    """Return trials as a table, in the order in which they are handed over.

    A metric that counts something is whole, unless a trial of these says otherwise.
    """
    groups = ("metrics", "covariates", "fingerprint")
    named = [
        (group, name, _kind(found, plan, group, name))
        for group in groups
        for name in sorted(set[str]().union(*(getattr(trial, group) for trial in found)))
    ]
    columns = [TidyColumn(name, kind) for name, kind in _TRIAL]
    columns += [TidyColumn(f"{group}.{name}", kind) for group, name, kind in named]
    return TidyTable(tuple(columns), _trial_rows(found, named))


def _kind(found: Sequence[Trial], plan: Plan, group: str, name: str) -> ColumnKind:
    if group == "fingerprint":
        return "text"
    planned = {metric.name: metric for metric in plan.metrics}
    metric = planned.get(name) or known_metric(name)
    counts = group == "metrics" and metric is not None and metric.kind is MetricKind.COUNT
    if counts and all(_is_whole(trial.metrics.get(name, 0.0)) for trial in found):
        return "whole"
    return "number"


def _is_whole(value: float) -> bool:
    return value % 1 == 0 and abs(value) < _EXACT


def _trial_rows(
    trials: Sequence[Trial], named: Sequence[tuple[str, str, ColumnKind]]
) -> Iterator[Sequence[Cell]]:
    for trial in trials:
        status = None if trial.status is None else str(trial.status)
        row: list[Cell] = [trial.trial_id, trial.variant, trial.unit, trial.order]
        row += [trial.exposed, status, trial.excluded, trial.assigned_at, trial.closed_at]
        for group, name, kind in named:
            value = getattr(trial, group).get(name)
            row.append(int(value) if kind == "whole" and value is not None else value)
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
