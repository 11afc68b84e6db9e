"""Trials as a table."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from meta_experiment.render import words
from meta_experiment.render.style import Style

_LONGEST_ID = 48


def table(
    documents: Sequence[Mapping[str, Any]],
    total: int,
    style: Style,
    metrics: Collection[str] | None = None,
) -> str:
    """Write the listed trials, one a line, newest last; `metrics` are those shown, else all."""
    if not documents:
        return "No trials yet."
    width = max(len(_id(item)) for item in documents)
    columns = f"{'closed at (UTC)':<20} {'variant':<14} {'status':<12} metrics"
    head = f"  {'trial id':<{width}}  {columns}"
    shown = f"{len(documents):,} of {words.counted(total, 'trial')}"
    waiting = sum(not item["status"] and not item["excluded"] for item in documents)
    if waiting:
        shown += f", {waiting:,} of them open"
    if metrics is not None:
        shown += ", with the metrics of the plan and the rating; every metric: --all"
    rows = [_row(item, width, metrics) for item in documents]
    return "\n".join([style.strong(head), *rows, style.dim(shown)])


def _row(item: Mapping[str, Any], width: int, metrics: Collection[str] | None) -> str:
    closed = (item["closed_at"] or "–")[:19].replace("T", " ")
    values = ", ".join(
        f"{words.name(name)} {words.compact(value)}"
        for name, value in item["metrics"].items()
        if metrics is None or name in metrics
    )
    status = item["status"] or "open"
    if item["excluded"]:
        status = f"excluded: {words.name(item['excluded'])}"
    return (
        f"  {_id(item):<{width}}  {closed:<20} {words.name(item['variant'])[:14]:<14} "
        f"{status:<12} {words.one_line(values)}"
    )


def _id(item: Mapping[str, Any]) -> str:
    return words.name(item["trial_id"], _LONGEST_ID)
