"""The findings of `check` and `verify`, and what `repair` did about them."""

from __future__ import annotations

from collections.abc import Iterable

from meta_experiment.render import words
from meta_experiment.render.style import Style
from meta_experiment.types.results.health import Finding, Health


def findings(report: Health, style: Style) -> str:
    """Write one line for each thing that was looked at, and the way out of what is wrong."""
    lines = [line for item in report.findings for line in _finding(item, style)]
    lines.append(style.good("Healthy.") if report.healthy else style.bad("Not healthy."))
    return "\n".join(lines)


def repaired(done: Iterable[str], left: Iterable[Finding], style: Style) -> str:
    """Write what was made anew, and what is left to a person."""
    lines = [words.one_line(sentence) for sentence in done] or ["Nothing had to be made anew."]
    remaining = [line for item in left for line in _finding(item, style)]
    if remaining:
        lines += ["", style.strong("What could not be repaired:"), *remaining]
    return "\n".join(lines)


def _finding(item: Finding, style: Style) -> list[str]:
    sign = style.bad("FAIL")
    if item.ok:
        sign = style.warn("note") if item.hint else style.good("ok  ")
    lines = [f"{sign}  {words.one_line(item.name, 200)}: {words.one_line(item.detail)}"]
    if item.hint:
        lines.append(f"      {style.dim('Next:')} {words.one_line(item.hint)}")
    return lines
