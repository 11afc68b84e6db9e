"""The report of an experiment in short: the verdict, why, and what to do next."""

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
    Tone,
)
from meta_experiment.render.findings import headline
from meta_experiment.render.report_figures import figures
from meta_experiment.render.report_forest import forest
from meta_experiment.types import Decision
from meta_experiment.types.results.report import GateState, ReportDocument

_SIGNS: dict[GateState, tuple[str, Tone]] = {
    GateState.PASSED: ("✓", "good"),
    GateState.FAILED: ("✗", "bad"),
    GateState.OPEN: ("?", "warn"),
    GateState.NOT_ASKED: ("–", "dim"),
    GateState.NOTHING_YET: ("–", "dim"),
}
_TONES: dict[Decision, Tone] = {Decision.PROMOTE: "good", Decision.REJECT: "bad"}


def summary(report: ReportDocument) -> Page:
    """Say what was decided, the gates, and what to do."""
    verdict = report.verdict
    word = Emphasis(verdict.decision.value, _TONES.get(verdict.decision, "warn"))
    gates = tuple(
        (Emphasis(*_SIGNS[item.state]), f" {item.gate.value}: {words.one_line(item.sentence)}")
        for item in report.gates
    )
    return (
        (
            Heading(
                f"REPORT  {words.name(report.experiment_id)}", words.quoted(report.plan.name)
            ),
            Paragraph(((word, f" ({verdict.reason_code.value})  {headline(report)}"),)),
            Paragraph((words.one_line(verdict.reason),), indent=2),
        ),
        *_picture(report),
        (Heading("Why", level=2), Paragraph(gates, indent=2)),
        (Facts((("Next", words.one_line(verdict.next_action)),)),),
    )


def _picture(report: ReportDocument) -> Iterator[Section]:
    """Show the figures of the verdict, and every metric on one axis."""
    told = tuple(figures(report))
    if told:
        yield (Facts(told, width=12),)
    goal = report.plan.improvement_threshold
    drawn = forest(report.results, report.verdict.leading, goal)
    if drawn.lines:
        yield (drawn,)
