"""Noise of equal texts, as a table."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.render import words
from meta_experiment.render.blocks import Column, Heading, Section, Table
from meta_experiment.types.results.run_summary import MeasureNoise, RunSummary


def run_noise(found: RunSummary) -> Iterator[Section]:
    """Show by how much equal texts differ; nothing where nothing tells that."""
    if not found.noise:
        return
    with_arm = any(item.aa is not None for item in found.noise)
    columns = (
        Column("measure", max(len(words.name(item.name, 32)) for item in found.noise)),
        Column("one run", 8, "right", gap=2),
        Column("equal arms, 19 of 20", 20, "right", gap=2),
        *(
            (
                Column("A/A arm", 8, "right", gap=2),
                Column("such arms, 19 of 20", 19, "right", gap=2),
            )
            if with_arm
            else ()
        ),
    )
    rows = tuple(
        (
            words.name(item.name, 32),
            _size(item, item.run),
            _size(item, item.repeats),
            *((_signed(item), _size(item, item.aa_bound)) if with_arm else ()),
        )
        for item in found.noise
    )
    head = Heading("Noise", "of equal texts: a smaller difference is no news", level=2)
    yield (head, Table(columns, rows))


def _size(item: MeasureNoise, value: float | None) -> str:
    if value is None:
        return "–"
    return f"±{words.per_cent(value, 1) if item.relative else words.compact(value)}"


def _signed(item: MeasureNoise) -> str:
    if item.aa is None:
        return "–"
    return words.signed_per_cent(item.aa) if item.relative else f"{item.aa:+.3g}"
