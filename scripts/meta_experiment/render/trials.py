"""Trials as a table."""

from __future__ import annotations

from collections.abc import Collection

from meta_experiment.model import instants
from meta_experiment.render import words
from meta_experiment.render.style import Style
from meta_experiment.types import Trial
from meta_experiment.types.results.trial_page import TrialPage

_LONGEST_ID = 48


def table(page: TrialPage, style: Style, *, everything: bool) -> str:
    """Write the listed trials, one a line; with `everything` all their metrics."""
    documents, total = page.trials, page.total
    metrics = None if everything else page.planned
    if not documents:
        return "No trials yet."
    width = max(len(_id(item)) for item in documents)
    columns = f"{'closed at (UTC)':<20} {'variant':<14} {'status':<12} metrics"
    head = f"  {'trial id':<{width}}  {columns}"
    shown = f"{len(documents):,} of {words.counted(total, 'trial')}"
    waiting = sum(item.status is None and not item.excluded for item in documents)
    if waiting:
        shown += f", {waiting:,} of them open"
    if metrics is not None:
        shown += ", with the metrics of the plan and the rating; every metric: --all"
    rows = [_row(item, width, metrics) for item in documents]
    return "\n".join([style.strong(head), *rows, style.dim(shown)])


def _row(item: Trial, width: int, metrics: Collection[str] | None) -> str:
    closed = (
        "–"
        if item.closed_at is None
        else instants.to_text(item.closed_at)[:19].replace("T", " ")
    )
    values = ", ".join(
        f"{words.name(name)} {words.compact(value)}"
        for name, value in item.metrics.items()
        if metrics is None or name in metrics
    )
    status = item.status or "open"
    if item.excluded:
        status = f"excluded: {words.name(item.excluded)}"
    return (
        f"  {_id(item):<{width}}  {closed:<20} {words.name(item.variant)[:14]:<14} "
        f"{status:<12} {words.one_line(values)}"
    )


def _id(item: Trial) -> str:
    return words.name(item.trial_id, _LONGEST_ID)
