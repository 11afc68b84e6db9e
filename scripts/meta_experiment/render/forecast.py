"""Page of a forecast: what a plan can show, as a table and a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from meta_experiment.render import words
from meta_experiment.render.blocks import (
    Block,
    Column,
    Emphasis,
    Facts,
    Heading,
    Page,
    Paragraph,
    Table,
)
from meta_experiment.types import Plan
from meta_experiment.types.results.forecast import Outlook, Preview

_COLUMNS = (
    Column("units per arm", 14, "right"),
    Column("smallest improvement found", 28, "right"),
    Column("days", 8, "right"),
)


def preview(seen: Preview) -> Page:
    """Show how far a plan is, what it could show, and what speaks against it."""
    if seen.plan is None or seen.outlook is None:
        ahead: Page = ((Heading("The plan cannot be read whole yet"), *_warned(seen.warnings)),)
    else:
        ahead = reach(seen.plan, seen.outlook, seen.warnings, seen.past_values)
    told = (seen.sooner, seen.question and words.one_line(seen.question))
    return (
        *ahead,
        *((Paragraph((line,)),) for line in told if line),
        (Facts(words.step(seen.stage, seen.missing, seen.skill, seen.next_action)),),
    )


def reach(plan: Plan, seen: Outlook, warnings: Sequence[str], past_values: int) -> Page:
    """Show the reach of a plan; `past_values` is how many measured values it rests on."""
    basis = "an assumed spread" if seen.spread.assumed else f"{past_values:,} past values"
    if seen.spread.stated:
        basis = f"what is stated: {words.one_line(seen.spread.stated)}"
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


def _warned(warnings: Sequence[str]) -> Sequence[Block]:
    warned = tuple(Emphasis(f"Warning: {text}", "warn") for text in warnings)
    return (Paragraph(warned),) if warned else ()
