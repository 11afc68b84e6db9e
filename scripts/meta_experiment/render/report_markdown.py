"""The report of an experiment in Markdown, for a comment on a pull request or a step summary.

The verdict, one table and what to do stand open, all else is folded. A hidden first line says
what it is of, by which a comment is found again and replaced.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from meta_experiment.render.arm_words import further_arms
from meta_experiment.render.blocks import (
    Block,
    Column,
    Emphasis,
    Facts,
    FoldedPart,
    Heading,
    Page,
    Paragraph,
    Table,
    Text,
)
from meta_experiment.render.findings import STATES, in_labels
from meta_experiment.render.markdown import written
from meta_experiment.render.markdown_fit import fitted
from meta_experiment.render.report_figures import strength, true_change
from meta_experiment.render.report_forest import ordered
from meta_experiment.render.report_markdown_parts import folded_parts
from meta_experiment.render.report_words import (
    between,
    name,
    per_cent,
    planned,
    value,
)
from meta_experiment.render.standing_words import (
    badge,
    moved_lines,
    next_steps,
    status_line,
    surer,
    watch_lines,
    whole_sentence,
)
from meta_experiment.render.words import bar
from meta_experiment.types import Decision
from meta_experiment.types.results.report import ReportDocument
from meta_experiment.types.results.report_metrics import MetricRole, ReportResult

MOST = 60_000  # characters of a comment: GitHub takes 65,536
_OPEN_ROWS = 12
_COLUMNS = (
    Column("Metric"),
    Column("Change", align="right"),
    Column("True change"),
    Column("Control → treatment"),
    Column("State"),
)


def marker(about: str | None) -> str:
    """Return the hidden first line, of each id its own, without one of all; nothing ends it."""
    if about is None:
        return "<!-- meta-experiment report * -->"  # no id has that sign
    plain = "".join(sign if sign.isalnum() or sign in "._/-" else "_" for sign in about)
    return f"<!-- meta-experiment report {plain.replace('--', '-%2D')} -->"


def report_markdown(report: ReportDocument, most: int = MOST) -> str:
    """Write a report in at most so many characters; what is folded is shortened first."""
    rows = tuple(_rows(report))
    head: list[Block] = [_title(report), Facts(tuple(_facts(report)))]
    if rows:
        head += [Table(_COLUMNS, rows[:_OPEN_ROWS]), Paragraph(tuple(_legend(report)))]
    head.append(_action(report))
    parts = list(folded_parts(report))
    if rows[_OPEN_ROWS:]:
        rest = Table(_COLUMNS, rows[_OPEN_ROWS:])
        parts.insert(0, FoldedPart("The other metrics", (rest,)))
    whole = f"meta-experiment report {report.experiment_id} --html FILE"
    opening = [marker(report.experiment_id), *map(written, head)]
    return fitted("\n\n".join(opening), parts, most, whole)


def page_markdown(about: str | None, page: Page) -> str:
    """Write a page that is bounded already, below its hidden first line."""
    blocks = (_lower(block) for section in page for block in section)
    return "\n\n".join((marker(about), *map(written, blocks))) + "\n"


def _lower(block: Block) -> Block:
    """Let a heading be no greater than that of a comment."""
    return replace(block, level=2) if isinstance(block, Heading) else block


def _title(report: ReportDocument) -> Heading:
    return Heading(f"{badge(report)[0]} {whole_sentence(report)}", level=2)


def _facts(report: ReportDocument) -> Iterator[tuple[Text, Text]]:
    verdict, ready = report.verdict, report.readiness
    yield "Experiment", (Emphasis(report.experiment_id, "code"), f" {name(report.plan.name)}")
    yield "Status", status_line(report)
    yield from (("Since then", line) for line in moved_lines(report))
    yield from (("Holdout", line) for line in watch_lines(report))
    code = Emphasis(verdict.reason_code.value, "code")
    said = f"): {name(in_labels(report, verdict.reason), 1_000)}"
    yield "Evidence", (f"{verdict.decision.value} (", code, said)
    yield "Hypothesis", name(report.plan.hypothesis, 1_000)
    if verdict.decision is Decision.EXTEND and report.status.is_open:
        done = f"{bar(report.ahead.fraction)} {planned(round(report.ahead.fraction, 2))}"
        if ready.smallest_arm < ready.needed_per_arm:
            units = f"{ready.smallest_arm:,} of {ready.needed_per_arm:,} {report.unit.value}s"
            done += f" ({units} in the smallest arm)"
        yield "Progress", done
    yield from list(further_arms(report))[:_OPEN_ROWS]
    alerts = report.alerts[:_OPEN_ROWS]
    yield from (("Alert", name(in_labels(report, item.message), 300)) for item in alerts)
    yield "To be surer", surer(report)


def _rows(report: ReportDocument) -> Iterator[tuple[str, ...]]:
    several = len(report.series) > 1
    for result, item in ordered(report.results, report.verdict.leading):
        sign, word, _ = STATES[item.state]
        relative = item.effect.relative
        ends = (item.control_value, item.treatment_value)
        yield (
            f"{name(result.metric.label, 60)}{_role(result)}"
            + (f", {name(item.treatment, 40)}" if several else ""),
            "–" if relative is None else per_cent(relative, signed=True),
            between(item.interval),
            " → ".join(value(end, result.metric) for end in ends),
            f"{sign} {word}".strip(),
        )


def _role(result: ReportResult) -> str:
    if result.metric.role is MetricRole.PRIMARY:
        return " (decides)"
    if result.metric.margin is not None:
        return f" (may worsen by {planned(result.metric.margin)})"
    return ""


def _legend(report: ReportDocument) -> Iterator[str]:
    change, evidence = true_change(report), strength(report)
    if change is not None:
        yield f"True change: {change[1]}."
    if evidence is not None:
        yield f"Evidence for “better”: {'; '.join(evidence)}."


def _action(report: ReportDocument) -> Facts:
    shown: list[Text] = []
    for said, command in next_steps(report):
        shown += ["; " if shown else "", said, Emphasis(command, "code") if command else ""]
    return Facts((("Next", tuple(shown)),))
