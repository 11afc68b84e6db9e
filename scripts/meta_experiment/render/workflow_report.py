"""Page of a report on workflows' experiments, and what of it annotates a run of Actions."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.model.instants import day
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
    remarks,
)
from meta_experiment.render.workflow_standing import experiment_title, standing_facts
from meta_experiment.types.results.workflow_report import (
    InteractionCells,
    ReportedExperiment,
    WorkflowReport,
)

_COLUMNS = (
    Column("variant", 24),
    Column("n", 7, "right"),
    Column("mean", 16, "right"),
    Column("std. dev.", 16, "right"),
    Column("effect", 9, "right"),
    Column("p, one look", 11, "right"),
    Column("p, any look", 11, "right"),
    Column("needs", 10, "right"),
)
_CELLS = (Column("variants", 40), Column("runs", 8, "right"))
_MOST_NOTICES = 10  # of a step; GitHub drops what is beyond


def workflow_report_page(found: WorkflowReport) -> Page:
    """Show the digest, then every experiment."""
    title = Heading("WORKFLOW EXPERIMENTS", day(found.at))
    summary = f"{found.decided:,} decided, {found.undecided:,} not."
    return (
        (title, Paragraph((summary,))),
        *(section for item in found.experiments for section in _experiment(item)),
        *(section for item in found.interactions for section in _interaction(item)),
        *remarks(map(words.one_line, found.notes)),
    )


def notices(found: WorkflowReport) -> Iterator[str]:
    """Yield what annotates a run of GitHub Actions: winners first, as far as it takes them."""
    ranked = sorted(found.experiments, key=lambda item: item.winner is None)
    for item in ranked[:_MOST_NOTICES]:
        name = f"{item.workflow}/{item.experiment}"
        told = item.standing.decision.value if item.standing else "no outcome"
        why = item.standing.reason if item.standing else "; ".join(item.lacking)
        yield f"::notice title={_property(f'{name} {told}')}::{_data(words.one_line(why))}"


def _experiment(item: ReportedExperiment) -> Iterator[Section]:
    title = experiment_title(item.workflow, item.experiment)
    heading = Heading(title, words.one_line(item.hypothesis or ""), level=2)
    if item.standing is None:
        yield (heading,)
    else:
        compared = {one.variant: one for one in item.comparisons}
        rows = []
        for variant, arm in item.variants.items():
            own = [
                words.name(variant, _COLUMNS[0].width),
                f"{arm.n:,}",
                words.quantity(arm.mean, item.unit),
                words.quantity(arm.sd, item.unit),
            ]
            one = compared.get(variant)
            beside = (
                [
                    words.signed_per_cent(one.relative),
                    words.p_value(one.p_value),
                    words.p_value(one.p_anytime),
                ]
                if one
                else ["", "", ""]
            )
            rows.append((*own, *beside, f"{arm.needed:,}" if arm.needed else ""))
        yield (heading, Table(_COLUMNS, tuple(rows)))
        yield (Facts(tuple(_facts(item)), width=10),)
    yield from remarks(map(words.one_line, item.lacking))


def _facts(item: ReportedExperiment) -> Iterator[tuple[Text, Text]]:
    better = f" ({item.direction.value} is better)" if item.direction else ""
    yield "Metric", f"{words.printable(item.metric or '')}{better}"
    yield "Winner", words.printable(item.winner) if item.winner else "none is declared"
    if item.standing is not None:
        yield from standing_facts(item.standing, item.workflow, item.experiment)


def _interaction(item: InteractionCells) -> Iterator[Section]:
    first, second = words.printable(item.first), words.printable(item.second)
    title = f"{words.printable(item.workflow)}: {first} × {second}"
    verdict = (
        f"fewer than {item.least:,} runs in a cell: whether they disturb one another is unknown"
        if item.sparse
        else f"at least {item.least:,} runs in every cell"
    )
    rows = tuple((words.printable(name), f"{runs:,}") for name, runs in item.cells.items())
    yield (Heading(title, verdict, level=2), Table(_CELLS, rows))


def _data(text: str) -> str:
    """Escape a message of a command to the runner."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
