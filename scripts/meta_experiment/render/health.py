"""The findings of `check` and `verify`, and what `repair` did about them."""

from __future__ import annotations

from collections.abc import Iterable

from meta_experiment.render import words
from meta_experiment.render.blocks import Emphasis, Heading, Page, Paragraph, Text, lines
from meta_experiment.types.results.health import Finding, Health
from meta_experiment.types.results.recovery import RepairResult


def findings(report: Health) -> Page:
    """Show one line for each thing that was looked at, and the way out of what is wrong."""
    healthy = (
        Emphasis("Healthy.", "good") if report.healthy else Emphasis("Not healthy.", "bad")
    )
    return lines(*_findings(report.findings), healthy)


def repaired(report: RepairResult) -> Page:
    """Show what was made anew, and what is left to a person."""
    done = lines(*map(words.one_line, report.done or ["Nothing had to be made anew."]))
    if not report.left:
        return done
    left = Paragraph(tuple(_findings(report.left)))
    return (*done, (Heading("What could not be repaired:", level=2), left))


def _findings(listed: Iterable[Finding]) -> Iterable[Text]:
    for item in listed:
        name, detail = words.one_line(item.name, 200), words.one_line(item.detail)
        yield (_sign(item), f"  {name}: {detail}")
        if item.hint:
            yield ("      ", Emphasis("Next:", "dim"), f" {words.one_line(item.hint)}")


def _sign(item: Finding) -> Emphasis:
    if not item.ok:
        return Emphasis("FAIL", "bad")
    return Emphasis("note", "warn") if item.hint else Emphasis("ok  ", "good")
