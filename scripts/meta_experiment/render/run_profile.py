"""Profiles of models, as a table."""

from __future__ import annotations

from meta_experiment.render import words
from meta_experiment.render.blocks import Column, Heading, Notes, Page, Table, lines
from meta_experiment.render.run_views import money
from meta_experiment.types.results.run_profile import ModelProfile, RunProfile

_COLUMNS = (
    Column("model", 32),
    Column("runs", 5, "right"),
    Column("succeed", 7, "right", gap=2),
    Column("time", 7, "right", gap=2),
    Column("tokens", 9, "right", gap=2),
    Column("cost", 8, "right", gap=2),
    Column("of a success", 12, "right", gap=2),
    Column("tools", 5, "right", gap=2),
    Column("confidence", 10, "right", gap=2),
    Column("class", gap=2),
)


def run_profile_page(found: RunProfile) -> Page:
    """Show a line for each model, and what a class is worth."""
    if not found.models:
        return lines("Nothing was run on cases here.")
    unjudged = sum(item.unjudged for item in found.models)
    notes = [
        "A class is what so many runs show: with few of them it is weak, whatever they came to."
    ]
    if unjudged:
        notes.append(f"{words.counted(unjudged, 'run')} without a verdict in no figure.")
    head = Heading("Models", "over all runs of this project on this machine")
    table = Table(_COLUMNS, tuple(map(_row, found.models)))
    return ((head, table), (Notes(tuple(notes)),))


def _row(item: ModelProfile) -> tuple[str, ...]:
    return (
        words.name(item.model, _COLUMNS[0].width),
        f"{item.runs:,}",
        words.per_cent(item.success_rate),
        words.elapsed(item.mean_seconds),
        "–" if item.mean_tokens is None else f"{item.mean_tokens:,.0f}",
        money(item.mean_usd),
        money(item.usd_per_success),
        words.per_cent(item.tool_success),
        words.per_cent(item.confidence),
        item.capability.value,
    )
