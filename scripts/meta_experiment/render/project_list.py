"""The experiments of a project as a list for a terminal: the most urgent first, all alike."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.render import project_words, words
from meta_experiment.render.blocks import (
    Column,
    Facts,
    Heading,
    Page,
    Paragraph,
    Section,
    Table,
    Text,
)
from meta_experiment.render.project_chance import project_chance
from meta_experiment.render.project_impact import (
    impact_basis,
    impact_headline,
    impact_rows,
)
from meta_experiment.types.results.project_report import (
    FalseDiscoveries,
    ProjectExperiment,
    ProjectImpact,
    ProjectReport,
)

MOST = 30  # experiments that are listed, and of these so many urgent ones with their action
_COLUMNS = (
    Column("experiment", 34),
    Column("change", 8, "right"),
    Column("the evidence", 17, gap=2),
    Column("so it is"),
)


def project_list(report: ProjectReport) -> Page:
    """List the experiments, bounded, after what waits for somebody."""
    shown = report.experiments[:MOST]
    sections: list[Section] = [(Paragraph((f"{project_words.headline(report)}.",)),)]
    if not shown:
        return tuple(sections)
    urgent = [item for item in shown if project_words.due(item) is not None]
    if urgent:
        title = f"{project_words.urgent_finding(report.experiments)}"
        sections.append((Heading(title), Paragraph(tuple(map(_due, urgent)), indent=2)))
    sections += _worth(report.impact)
    sections += _chance(report.false_discoveries)
    sections.append((Table(_COLUMNS, tuple(tuple(_cells(item)) for item in shown)),))
    if more := len(report.experiments) - len(shown):
        said = f"… and {more:,} more: meta-experiment report --all --html DIR"
        sections.append((Paragraph((said,)),))
    return tuple(sections)


def _worth(impact: ProjectImpact | None) -> Iterator[Section]:
    if impact is None:
        return
    facts = tuple(
        (label, f"{month}, {ends}; {so_far} so far")
        for label, month, ends, so_far in impact_rows(impact)
    )
    width = max((len(label) for label, _ in facts), default=0)
    yield (
        Heading(impact_headline(impact)),
        *((Facts(facts, width),) if facts else ()),
        Paragraph((" ".join(impact_basis(impact)),), indent=2),
    )


def _chance(found: FalseDiscoveries | None) -> Iterator[Section]:
    if told := project_chance(found):
        yield Heading(told[0].removesuffix(".")), Paragraph((" ".join(told[1:]),), indent=2)


def _due(item: ProjectExperiment) -> Text:
    said = words.one_line(project_words.due(item) or "")
    return f"{words.name(item.experiment_id)}: {said}"


def _cells(item: ProjectExperiment) -> Iterator[str]:
    _, state, _ = project_words.state(item)
    sign, verdict, _ = project_words.verdict(item)
    yield words.name(item.experiment_id)
    yield project_words.change(item)
    yield f"{sign} {verdict}".strip()
    yield f"{state} {', '.join(project_words.done(item))}"
