"""Page of an audit of workflows' experiments."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.model.instants import day, to_text
from meta_experiment.render import words
from meta_experiment.render.blocks import (
    Column,
    Facts,
    Heading,
    Page,
    Paragraph,
    Section,
    Table,
    Text,
    lines,
    remarks,
)
from meta_experiment.render.workflow_standing import (
    counts_table,
    experiment_title,
    standing_facts,
)
from meta_experiment.types.results.workflow_audit import (
    AuditedExperiment,
    AuditStatus,
    ExperimentRuns,
    WorkflowAudit,
)

_FAILURES = (
    Column("variant", 24),
    Column("ok", 7, "right"),
    Column("error", 7, "right"),
    Column("timeout", 8, "right"),
    Column("stopped", 8, "right"),
    Column("unknown", 8, "right"),
    Column("failed", 8, "right"),
    Column("failed runs, newest first", gap=2),
)
_RUNS = (
    Column("run", 20),
    Column("variant", 24),
    Column("when", 24),
    Column("ended", 12),
    Column("what counts against it"),
)
_WORDS = {
    AuditStatus.NOT_STARTED: "has not started",
    AuditStatus.UNMEASURED: "draws, and no outcome is recorded: import its runs",
    AuditStatus.COLLECTING: "collects",
    AuditStatus.UNDECIDED: "has enough runs, and no decision yet",
    AuditStatus.DECIDED: "is decided",
    AuditStatus.OVER: "is over by its dates, undecided",
}


def workflow_audit_page(found: WorkflowAudit) -> Page:
    """Show every experiment, then the runs of the one that was asked for."""
    beside = (
        *(
            f"{branch} holds the state of a workflow that is not here."
            for branch in found.orphans
        ),
        *found.shared,
        *found.notes,
    )
    noted = remarks(map(words.one_line, beside))
    if not found.experiments:
        return (*lines("No workflow here declares an experiment."), *noted)
    return (
        (Heading("ACTIVE EXPERIMENTS"),),
        *(section for item in found.experiments for section in _experiment(item)),
        *(_selected(found.selected) if found.selected else ()),
        *noted,
    )


def _experiment(item: AuditedExperiment) -> Iterator[Section]:
    title = experiment_title(item.workflow, item.experiment)
    since = f"; its first run was on {day(item.since)}" if item.since is not None else ""
    yield (Heading(title, _WORDS[item.status] + since, level=2),)
    if item.problem is not None:
        yield (Paragraph((words.one_line(item.problem),), indent=2),)
        return
    yield (counts_table(item.variants, drawn="runs", enough=""),)
    facts = tuple(_facts(item))
    if facts:
        yield (Facts(facts, width=10),)
    yield from remarks(map(words.one_line, item.notes))


def _facts(item: AuditedExperiment) -> Iterator[tuple[Text, Text]]:
    if item.standing is not None:
        yield from standing_facts(item.standing, item.workflow, item.experiment)
    if item.experiment_id is not None:
        yield "Trials", f"meta-experiment analyze {item.experiment_id}"


def _selected(found: ExperimentRuns) -> Iterator[Section]:
    title = experiment_title(found.workflow, found.experiment)
    failures = tuple(
        (
            words.name(name, _FAILURES[0].width),
            f"{one.ok:,}",
            f"{one.error:,}",
            f"{one.timeout:,}",
            f"{one.interrupted:,}",
            f"{one.unknown:,}",
            words.per_cent(one.rate, 1),
            ", ".join(map(words.printable, one.failed)),
        )
        for name, one in found.failures.items()
    )
    yield (Heading(f"Failures of {title}", "side by side", level=2), Table(_FAILURES, failures))
    runs = tuple(
        (
            words.printable(run.run_id),
            words.name(run.variant, _RUNS[1].width),
            to_text(run.at) if run.at is not None else "–",
            run.status.value if run.status is not None else "unknown",
            words.one_line(run.excluded or ""),
        )
        for run in found.runs
    )
    of_variant = f" of {words.printable(found.variant)}" if found.variant else ""
    detail = f"{len(found.runs):,} of {found.total:,}, the newest last"
    yield (Heading(f"Runs of {title}{of_variant}", detail, level=2), Table(_RUNS, runs))
