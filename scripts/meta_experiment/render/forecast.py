"""Page of a forecast: what a plan can show, as a table and a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from meta_experiment.render import words
from meta_experiment.render.blocks import Column, Emphasis, Heading, Page, Paragraph, Table
from meta_experiment.types import Plan
from meta_experiment.types.results.forecast import Forecast, Outlook

_COLUMNS = (
    Column("units per arm", 14, "right"),
    Column("smallest improvement found", 28, "right"),
    Column("days", 8, "right"),
)


def forecast(seen: Forecast) -> Page:
    """Show the reach of a plan, and what speaks against it."""
    ahead = reach(seen.plan, seen.outlook, seen.warnings, seen.past_values)
    return (*ahead, (Paragraph((seen.sooner,)),)) if seen.sooner else ahead


def reach(plan: Plan, seen: Outlook, warnings: Sequence[str], past_values: int) -> Page:
    """Show the reach of a plan; `past_values` is how many measured values it rests on."""
    basis = "an assumed spread" if seen.spread.assumed else f"{past_values:,} past values"
    title = f"{plan.primary.name}, {plan.stopping.value} rule, from {basis}"
    rows = tuple(
        (
            f"{item.units:,}",
            "none" if item.improvement is None else words.per_cent(item.improvement),
            "–" if item.days is None else words.compact(item.days),
        )
        for item in seen.reach
    )
    warned = (Emphasis(f"Warning: {text}", "warn") for text in warnings)
    return (Heading(title), Table(_COLUMNS, rows)), (Paragraph((seen.sentence, *warned)),)
