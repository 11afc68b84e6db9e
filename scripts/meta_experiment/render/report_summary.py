"""The report of an experiment in short: the verdict, why, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.render import words
from meta_experiment.render.arm_words import further_arms
from meta_experiment.render.blocks import (
    Emphasis,
    Facts,
    Heading,
    Page,
    Paragraph,
    Section,
)
from meta_experiment.render.findings import in_labels
from meta_experiment.render.gate_words import SIGNS, gate_seen, gate_title
from meta_experiment.render.report_figures import figures
from meta_experiment.render.report_forest import TONES, forest
from meta_experiment.render.standing_words import (
    badge,
    first_sentence,
    moved_lines,
    surer,
    watch_lines,
    why_heading,
)
from meta_experiment.types.results.report import ReportDocument


def summary(report: ReportDocument) -> Page:
    """Say what was decided, the gates, and what to do."""
    sign, word, tone = badge(report)
    goes_on = first_sentence(report)
    gates = tuple(
        (
            Emphasis(*SIGNS[item.state]),
            f" {gate_title(report, item)}: {gate_seen(report, item)}",
        )
        for item in report.gates
    )
    return (
        (
            Heading(
                f"REPORT  {words.name(report.experiment_id)}", words.quoted(report.plan.name)
            ),
            Paragraph(((Emphasis(f"{sign} {word}", TONES[tone]), f"  {goes_on}"),)),
            Paragraph(tuple(_said(report)), indent=2),
        ),
        *_picture(report),
        (Heading(why_heading(report), level=2), Paragraph(gates, indent=2)),
        (Facts(tuple(_last(report))),),
    )


def _said(report: ReportDocument) -> Iterator[str]:
    """Say what the evidence says, by its code and its sentence, and what holdouts found."""
    verdict = report.verdict
    code = f"{verdict.decision.value} ({verdict.reason_code.value})"
    yield f"{code}: {words.one_line(in_labels(report, verdict.reason))}"
    yield from moved_lines(report)
    yield from watch_lines(report)


def _last(report: ReportDocument) -> Iterator[tuple[str, str]]:
    """Tell of further treatments, alerts, what would make one surer, and what to do."""
    yield from further_arms(report)
    yield from (
        ("Alert", words.one_line(in_labels(report, item.message))) for item in report.alerts
    )
    yield "To be surer", surer(report)
    yield "Next", words.one_line(report.verdict.next_action)


def _picture(report: ReportDocument) -> Iterator[Section]:
    """Show the figures of the verdict, and every metric on one axis."""
    told = tuple(figures(report))
    if told:
        yield (Facts(told, width=12),)
    goal = report.plan.improvement_threshold
    drawn = forest(report.results, report.verdict.leading, goal)
    if drawn.lines:
        yield (drawn,)
