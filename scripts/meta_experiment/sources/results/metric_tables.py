"""Results that have one table per metric: `pass_rate: {mean, per_eval: {case: value}}`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from meta_experiment.sources.results.cells import Cell, described
from meta_experiment.sources.results.measures import Record
from meta_experiment.sources.results.result_words import METRIC_FIELDS, WRAPPERS, snake

_PER_CASE = ("per_eval", "per_case", "per_test", "per_task", "by_eval", "by_case")
_VALUES = ("value", "score", "mean")

Key = tuple[str | None, str | None, int]  # id and name of the case, and the repeat


def table_cells(item: Record, own: Cell) -> list[Cell]:
    """Return one cell for each case and repeat, with the values of all metrics together."""
    records: dict[Key, dict[str, Any]] = {}
    places = False
    for metric, table in _tables(item):
        places = places or _is_plain_list(table)
        for cell, value in _entries(table, metric, own):
            key = (cell.case_id, cell.case_name, cell.number or 0)
            records.setdefault(key, {})[metric] = value
    return [
        replace(
            own, record=record, case_id=case_id, case_name=name, number=number, by_place=places
        )
        for (case_id, name, number), record in records.items()
    ]


def _tables(item: Record) -> Iterator[tuple[str, Any]]:
    """Yield the values per case of every metric that has some."""
    parts = [item, *(item[key] for key in item if snake(str(key)) in WRAPPERS)]
    for part in parts:
        for key, value in part.items() if isinstance(part, Mapping) else ():
            name = snake(str(key))
            if name in METRIC_FIELDS and isinstance(value, Mapping):
                inside = {snake(str(inner)): table for inner, table in value.items()}
                found = (inside[word] for word in _PER_CASE if word in inside)
                yield from (
                    (name, table) for table in found if isinstance(table, Mapping | list)
                )


def _entries(table: Any, metric: str, own: Cell) -> Iterator[tuple[Cell, Any]]:  # noqa: ANN401
    if isinstance(table, Mapping):
        for case, value in table.items():
            yield from _repeats(value, metric, replace(own, case_id=str(case)))
        return
    for place, item in enumerate(table, start=1):
        if isinstance(item, Mapping):
            yield from _repeats(item, metric, described(item, own))
        else:
            yield from _repeats(item, metric, replace(own, case_id=str(place)))


def _repeats(value: Any, metric: str, own: Cell) -> Iterator[tuple[Cell, Any]]:  # noqa: ANN401
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield replace(own, number=number), item
    elif isinstance(value, Mapping):
        fields = {snake(str(key)): inner for key, inner in value.items()}
        yield own, next((fields[name] for name in (metric, *_VALUES) if name in fields), None)
    else:
        yield own, value


def _is_plain_list(table: object) -> bool:
    return isinstance(table, list) and not any(isinstance(item, Mapping) for item in table)
