"""What pages of workflows' experiments have in common: counts of runs, and how they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from meta_experiment.model.instants import day
from meta_experiment.render import words
from meta_experiment.render.blocks import Column, Emphasis, Table, Text
from meta_experiment.types import Decision
from meta_experiment.types.results.workflow_import import ExperimentStanding, VariantRunCount
from meta_experiment.workflows.workflow_names import generation_command


def experiment_title(workflow: str, experiment: str) -> str:
    """Return what an experiment of a workflow is called."""
    return f"{words.printable(workflow)}/{words.printable(experiment)}"


def counts_table(variants: Mapping[str, VariantRunCount], *, drawn: str, enough: str) -> Table:
    """Show the runs of each variant, and what it needs, or that it has enough.

    `drawn` is the word for runs that had it.
    """
    columns = (
        Column("variant", 24),
        Column(drawn, 8, "right"),
        Column("cut off", 8, "right"),
        Column("measured", 9, "right"),
        Column("needs", 12, "right"),
    )
    rows = tuple(
        (
            words.name(name, columns[0].width),
            f"{one.drawn:,}",
            f"{one.cut_off:,}" if one.cut_off else "",
            f"{one.measured:,}",
            f"{one.needed:,} more" if one.needed else enough,
        )
        for name, one in variants.items()
    )
    return Table(columns, rows)


def standing_facts(
    stands: ExperimentStanding, workflow: str, experiment: str
) -> Iterator[tuple[Text, Text]]:
    """Yield where an experiment stands, a line each."""
    yield (
        "Decision",
        (Emphasis(stands.decision.value, "strong"), f" ({stands.reason_code.value})"),
    )
    yield "Why", words.one_line(stands.reason)
    if stands.ready_on is not None and stands.days_to_go:
        yield "Ready", f"about {day(stands.ready_on)}, in {stands.days_to_go:,.0f} days"
    if stands.decision is Decision.EXTEND:
        yield "Can see", words.one_line(stands.outlook)
    else:
        yield "Act", words.one_line(generation_command(workflow, experiment))
