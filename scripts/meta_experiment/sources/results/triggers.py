"""Trigger tests: how often a skill was used for queries that should or should not use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meta_experiment.sources.results.cells import Cell

LIST = "query_results"


def recognised(document: object) -> bool:
    """Say whether a document is the result of trigger tests."""
    return isinstance(document, Mapping) and isinstance(document.get(LIST), list)


def trigger_cells(document: Mapping[str, Any]) -> list[Cell]:
    """Return one cell per query: the share of its runs that did what they should.

    A query is a case; its value is the one value per case that an analysis uses anyway, so
    that repeats of it are not made up.
    """
    found = []
    for item in document[LIST]:
        if not isinstance(item, Mapping) or not isinstance(item.get("query"), str):
            continue
        record = {
            key.removeprefix("mean_"): value
            for key, value in item.items()
            if str(key).startswith("mean_")
        }
        rate = _right(item)
        if rate is not None:
            record["pass_rate"] = rate
        found.append(Cell(record, case_id=item["query"]))
    return found


def repeats(document: Mapping[str, Any]) -> int:
    """Return the largest number of runs behind one query."""
    counts = (item.get("run_count") for item in document[LIST] if isinstance(item, Mapping))
    return max((count for count in counts if type(count) is int), default=1)


def _right(item: Mapping[str, Any]) -> float | None:
    triggered, runs = item.get("trigger_count"), item.get("run_count")
    should = item.get("should_trigger")
    if type(triggered) is not int or type(runs) is not int or not 0 <= triggered <= runs:
        return None
    if not runs or not isinstance(should, bool):
        return None
    return triggered / runs if should else 1 - triggered / runs
