"""Experiments that were run on cases, as a table."""

from __future__ import annotations

from meta_experiment.render import words
from meta_experiment.render.blocks import Column, Page, Table, lines
from meta_experiment.render.run_views import money
from meta_experiment.types.results.run_list import RunList, RunListEntry
from meta_experiment.types.results.run_summary import RunState

_COLUMNS = (
    Column("experiment", 40),
    Column("status", 12),
    Column("cases", 5, "right"),
    Column("runs", 6, "right"),
    Column("count", 6, "right"),
    Column("cost", 10, "right", gap=2),
    Column("tokens", 12, "right", gap=2),
)


def run_list_page(found: RunList) -> Page:
    """Show a line for each."""
    if not found.experiments:
        return lines("Nothing was run on cases here.", "meta-experiment run ID --cases PATH")
    return ((Table(_COLUMNS, tuple(map(_row, found.experiments))),),)


def _row(item: RunListEntry) -> tuple[str, ...]:
    return (
        words.name(item.experiment_id, _COLUMNS[0].width),
        item.status.value,
        f"{item.cases:,}",
        f"{item.runs:,}",
        f"{item.states.get(RunState.COUNTS, 0):,}",
        _cost(item),
        f"{item.tokens:,.0f}" if item.tokens else "–",
    )


def _cost(item: RunListEntry) -> str:
    """Say what runs took: more than what is known where the price of one is not."""
    if item.usd is None and item.usd_known:
        return f">{money(item.usd_known)}"
    return money(item.usd)
