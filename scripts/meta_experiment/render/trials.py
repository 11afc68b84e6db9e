"""Trials as a table."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from meta_experiment.render import words
from meta_experiment.render.style import Style


def table(
    documents: Sequence[Mapping[str, Any]],
    total: int,
    style: Style,
    metrics: Collection[str] | None = None,
) -> str:
    """Write the listed trials, one a line, newest last; `metrics` are those shown, else all."""
    if not documents:
        return "No trials yet."
    width = max(len(words.printable(item["trial_id"])) for item in documents)
    columns = f"{'closed at (UTC)':<20} {'variant':<14} {'status':<12} metrics"
    head = f"  {'trial id':<{width}}  {columns}"
    shown = f"{len(documents):,} of {words.counted(total, 'trial')}"
    if metrics is not None:
        shown += ", with the metrics of the plan and the rating; every metric: --all"
    rows = [_row(item, width, metrics) for item in documents]
    return "\n".join([style.strong(head), *rows, style.dim(shown)])


def _row(item: Mapping[str, Any], width: int, metrics: Collection[str] | None) -> str:
    closed = (item["closed_at"] or "–")[:19].replace("T", " ")
    values = ", ".join(
        f"{name} {words.compact(value)}"
        for name, value in item["metrics"].items()
        if metrics is None or name in metrics
    )
    status = item["status"] or "open"
    if item["excluded"]:
        status = f"excluded: {item['excluded']}"
    trial_id = words.printable(item["trial_id"])
    return (
        f"  {trial_id:<{width}}  {closed:<20} {words.printable(item['variant'])[:14]:<14} "
        f"{words.printable(status):<12} {words.printable(values)}"
    )
