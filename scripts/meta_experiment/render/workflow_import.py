"""Page of an import of a workflow's runs: what each experiment got, and where it stands."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.render import words
from meta_experiment.render.blocks import (
    Emphasis,
    Facts,
    Heading,
    Page,
    Paragraph,
    Section,
    Text,
    remarks,
)
from meta_experiment.render.workflow_standing import counts_table, standing_facts
from meta_experiment.types.results.workflow_import import (
    WorkflowExperimentImport,
    WorkflowImport,
)


def workflow_import_page(done: WorkflowImport) -> Page:
    """Show what was read, then every experiment."""
    return (
        (Paragraph((_headline(done),)),),
        *remarks(map(words.one_line, _not_read(done)), "Not read"),
        *(section for item in done.experiments for section in _experiment(item, done.workflow)),
        *remarks(map(words.one_line, done.notes), "Noted"),
    )


def _headline(done: WorkflowImport) -> Text:
    runs = words.counted(done.runs, "run")
    what = "Would import" if done.dry_run else "Imported"
    return (
        Emphasis(f"{what} {runs} of {words.name(done.workflow)}", "strong"),
        f" from {words.printable(done.source)}",
    )


def _not_read(done: WorkflowImport) -> Iterator[str]:
    if done.others:
        yield f"{done.others:,} runs are of another workflow."
    if done.empty:
        yield f"{done.empty:,} runs left nothing here: expired, or not downloaded."
    for name, why in done.refused.items():
        yield f"{name} counts for nothing: {why}."
    yield from done.set_aside
    for reason, count in done.left_out.items():
        yield f"{count:,} × {reason}"


def _experiment(item: WorkflowExperimentImport, workflow: str) -> Iterator[Section]:
    if item.refusal is not None:
        yield (
            Heading(words.printable(item.experiment), "nothing was imported", level=2),
            Paragraph((words.one_line(item.refusal),), indent=2),
        )
        return
    table = counts_table(item.variants, drawn="drawn", enough="enough")
    detail = f"decides on {words.printable(item.primary_metric or '')}"
    yield (Heading(words.printable(item.experiment), detail, level=2), table)
    yield (Facts(tuple(_facts(item, workflow)), width=10),)
    left_out = (words.one_line(f"{n:,} {why}") for why, n in item.excluded.items())
    yield from remarks(left_out, "Left out")
    unmapped = (
        f"{one.declared} is measured by no run; the nearest metric is {one.nearest or 'none'}"
        for one in item.unmapped
    )
    yield from remarks(map(words.one_line, unmapped), "Not measured")
    yield from remarks(map(words.one_line, item.notes), "Assumed and noted")


def _facts(item: WorkflowExperimentImport, workflow: str) -> Iterator[tuple[Text, Text]]:
    yield "Recorded", f"{item.added:,} new, {item.completed:,} completed"
    if item.standing is not None:
        yield from standing_facts(item.standing, workflow, item.experiment)
    if item.experiment_id is not None:
        yield "Next", f"meta-experiment analyze {item.experiment_id}"
