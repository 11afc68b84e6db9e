"""Agentic workflows that declare experiments, as a table."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.render import words
from meta_experiment.render.blocks import Column, Page, Table, lines, remarks
from meta_experiment.types.results.workflow_list import (
    CompiledState,
    WorkflowList,
    WorkflowListEntry,
)

_COLUMNS = (
    Column("workflow", 32),
    Column("experiment", 24),
    Column("variants", 40),
    Column("metric", 24),
    Column("compiled", 9),
    Column("odd", 4, "right"),
)


def workflow_list_page(found: WorkflowList) -> Page:
    """Show a line for each experiment."""
    if not found.workflows:
        return lines(f"No workflow in {found.folder} declares experiments.")
    rows = tuple(row for item in found.workflows for row in _rows(item))
    return ((Table(_COLUMNS, rows),), *remarks(_notes(found)))


def _rows(item: WorkflowListEntry) -> Iterator[tuple[str, ...]]:
    odd = f"{item.errors + item.warnings:,}" if item.errors or item.warnings else "–"
    ends = (item.compiled.value, odd)
    if not item.experiments:
        yield words.name(item.workflow, _COLUMNS[0].width), "–", "–", "–", *ends
    for one in item.experiments:
        yield (
            words.name(item.workflow, _COLUMNS[0].width),
            words.name(one.name, _COLUMNS[1].width),
            _cut(words.listed(one.variants), _COLUMNS[2].width),
            words.name(one.metric, _COLUMNS[3].width) if one.metric else "–",
            *ends,
        )


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _notes(found: WorkflowList) -> Iterator[str]:
    for item in found.shared:
        yield (
            f"{words.listed(item.workflows)} keep their state in one place, {item.state}, so "
            "that their runs are counted together: rename one"
        )
    odd = [item.workflow for item in found.workflows if item.errors or item.warnings]
    if odd:
        named = words.listed(odd)
        yield f"what is odd about {named}: meta-experiment workflows show WORKFLOW"
    stale = [x.workflow for x in found.workflows if x.compiled is CompiledState.STALE]
    if stale:
        yield f"changed since they were compiled: {words.listed(stale)}; gh aw compile WORKFLOW"
