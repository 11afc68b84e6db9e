"""The noise of identical arms as a table."""

from __future__ import annotations

from meta_experiment.render import words
from meta_experiment.render.blocks import Column, Heading, Page, Table
from meta_experiment.types.results.noise import NoiseResult

_COLUMNS = (
    Column("units per arm", 14, "right"),
    Column("half differ by over", 20, "right"),
    Column("1 in 20 by over", 16, "right"),
)


def noise(seen: NoiseResult) -> Page:
    """Show by how much two identical arms differ, for each size."""
    source = "eval cases" if seen.of_cases else "live use"
    title = (
        f"Two identical arms of {seen.metric}, drawn from {seen.values:,} past values of "
        f"{source}"
    )
    rows = tuple(
        (f"{item.units:,}", words.per_cent(item.typical, 1), words.per_cent(item.large, 1))
        for item in seen.floors
    )
    return ((Heading(title), Table(_COLUMNS, rows)),)
