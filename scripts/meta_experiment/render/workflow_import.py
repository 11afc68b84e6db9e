"""Page of an import of a workflow's runs: what each experiment got, and where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from meta_experiment.model.instants import day
from meta_experiment.render import words
from meta_experiment.render.blocks import (
    Column,
    Emphasis,
    Facts,
    Heading,
    Notes,
    Page,
    Paragraph,
    Section,
    Table,
    Text,
)
from meta_experiment.types import Decision
from meta_experiment.types.results.workflow_import import (
    ExperimentStanding,
    WorkflowExperimentImport,
    WorkflowImport,
)
from meta_experiment.workflows.workflow_names import generation_command

_COLUMNS = (
    Column("variant", 24),
    Column("drawn", 8, "right"),
    Column("cut off", 8, "right"),
    Column("measured", 9, "right"),
    Column("needs", 12, "right"),
)


def workflow_import_page(done: WorkflowImport) -> Page:
    """Show what was read, then every experiment."""
    return (
        (Paragraph((_headline(done),)),),
        *_noted("Not read", _not_read(done)),
        *(section for item in done.experiments for section in _experiment(item, done.workflow)),
        *_noted("Noted", done.notes),
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
    rows = tuple(
        (
            words.name(name, _COLUMNS[0].width),
            f"{one.drawn:,}",
            f"{one.cut_off:,}" if one.cut_off else "",
            f"{one.measured:,}",
            f"{one.needed:,} more" if one.needed else "enough",
        )
        for name, one in item.variants.items()
    )
    detail = f"decides on {words.printable(item.primary_metric or '')}"
    yield (Heading(words.printable(item.experiment), detail, level=2), Table(_COLUMNS, rows))
    yield (Facts(tuple(_facts(item, workflow)), width=10),)
    yield from _noted("Left out", (f"{n:,} {why}" for why, n in item.excluded.items()))
    unmapped = (
        f"{one.declared} is measured by no run; the nearest metric is {one.nearest or 'none'}"
        for one in item.unmapped
    )
    yield from _noted("Not measured", unmapped)
    yield from _noted("Assumed and noted", item.notes)


def _facts(item: WorkflowExperimentImport, workflow: str) -> Iterator[tuple[Text, Text]]:
    yield "Recorded", f"{item.added:,} new, {item.completed:,} completed"
    if item.standing is not None:
        yield from standing_facts(item.standing, workflow, item.experiment)
    if item.experiment_id is not None:
        yield "Next", f"meta-experiment analyze {item.experiment_id}"


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


def _noted(title: str, items: Iterable[str]) -> Iterator[Section]:
    found = tuple(words.one_line(item) for item in items)
    if found:
        yield (Heading(title, level=2), Notes(found))
