"""Trials as a table."""

from __future__ import annotations

from collections.abc import Collection

from meta_experiment.model import instants
from meta_experiment.render import words
from meta_experiment.render.blocks import Column, Emphasis, Page, Paragraph, Table, lines
from meta_experiment.types import Trial
from meta_experiment.types.results.trial_page import TrialPage

_LONGEST_ID = 48


def table(page: TrialPage, *, everything: bool) -> Page:
    """Show the listed trials, one a line, newest last; with `everything` all their metrics."""
    if not page.trials:
        return lines("No trials yet.")
    metrics = None if everything else page.planned
    rows = tuple(_row(item, metrics) for item in page.trials)
    columns = (
        Column(Emphasis("trial id", "strong"), max(len(row[0]) for row in rows)),
        Column(Emphasis("closed at (UTC)", "strong"), 20, gap=2),
        Column(Emphasis("variant", "strong"), 14),
        Column(Emphasis("status", "strong"), 12),
        Column(Emphasis("metrics", "strong")),
    )
    shown = Emphasis(_shown(page, everything=everything), "dim")
    return ((Table(columns, rows), Paragraph((shown,))),)


def _shown(page: TrialPage, *, everything: bool) -> str:
    shown = f"{len(page.trials):,} of {words.counted(page.total, 'trial')}"
    waiting = sum(item.status is None and not item.excluded for item in page.trials)
    if waiting:
        shown += f", {waiting:,} of them open"
    if not everything:
        shown += ", with the metrics of the plan and the rating; every metric: --all"
    return shown


def _row(item: Trial, metrics: Collection[str] | None) -> tuple[str, ...]:
    closed = "–" if item.closed_at is None else instants.to_text(item.closed_at)
    values = ", ".join(
        f"{words.name(name)} {words.compact(value)}"
        for name, value in item.metrics.items()
        if metrics is None or name in metrics
    )
    status = item.status or "open"
    if item.excluded:
        status = f"excluded: {words.name(item.excluded)}"
    return (
        words.name(item.trial_id, _LONGEST_ID),
        closed[:19].replace("T", " "),
        words.name(item.variant)[:14],
        status,
        words.one_line(values),
    )
