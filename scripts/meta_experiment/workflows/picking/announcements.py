"""What a run is told of its variants: lines, files of the runner, a summary in Markdown.

Names come from a file that others may edit. In Markdown they are escaped, in a line of the log
they can give the runner no command, and between the lines of a file they end nothing.
"""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from meta_experiment.workflows.picking.variant_draws import ExperimentArms

_CELLS = 20
_ESCAPED = {ord(sign): f"&#{ord(sign)};" for sign in "&<>@|`*_[]()!\\#~:$"}
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_COMMAND = "##["  # a word by which an older runner takes commands, wherever it stands


def on_one_line(text: str) -> str:
    """Return a text on one line in which nothing steers a screen or the runner.

    The runner takes `::` for a command where a line begins, which no line here does.
    """
    return _printable(text).replace(_COMMAND, "# #[")


def title_prefix(assignments: Mapping[str, str]) -> str:
    """Return what goes before a title: `[engine_variant=claude]`, names sorted."""
    pairs = (f"{name}={assignments[name]}" for name in sorted(assignments))
    return on_one_line(f"[{', '.join(pairs)}]") if assignments else ""


def event_line(name: str, variant: str, run_id: str, timestamp: str) -> str:
    """Return the line of JSON that says what was assigned."""
    event = {
        "event": "experiment.assigned",
        "experiment": name,
        "variant": variant,
        "run_id": run_id,
        "timestamp": timestamp,
    }
    text = json.dumps(event, separators=(",", ":"))  # escapes all that is not ASCII
    return text.replace(_COMMAND, "\\u0023#[")


def resource_attributes(before: str, assignments: Mapping[str, str]) -> str:
    """Return `OTEL_RESOURCE_ATTRIBUTES` with the variants, whatever signs are in them."""
    own = [f"experiment.{name}={_encoded(assignments[name])}" for name in sorted(assignments)]
    names = tuple(item.split("=")[0] + "=" for item in own)
    kept = [item for item in before.split(",") if item and not item.startswith(names)]
    return ",".join([*kept, *own])


def runner_file(values: Mapping[str, str]) -> str:
    """Return values as `GITHUB_OUTPUT` and `GITHUB_ENV` take them, of as many lines as any."""
    parts = []
    for name, value in values.items():
        delimiter = f"meta_{os.urandom(16).hex()}"
        parts.append(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")
    return "".join(parts)


def summary(arms: ExperimentArms, variant: str, how: str, counts: Mapping[str, int]) -> str:
    """Return what the step's summary says of one experiment; the counts are with this run."""
    total = sum(counts.get(name, 0) for name in arms.variants)
    lines = [f"### Experiment {as_markdown_text(arms.name)}: {as_markdown_text(variant)}", ""]
    if how == "gated":
        lines += ["Outside of its dates: the first variant, and nothing is counted.", ""]
    lines += ["| variant | runs | of at least | |", "| --- | ---: | ---: | --- |"]
    for name in arms.variants:
        own = counts.get(name, 0)
        mark = " **this run**" if name == variant else ""
        shown = f"{as_markdown_text(name)}{mark}"
        lines.append(f"| {shown} | {own} | {arms.min_samples} | {bar(own, arms.min_samples)} |")
    lines += ["", f"Runs that were drawn: {total}, {_HOW[how]}.", ""]
    for label in ("metric", "hypothesis", "start_date", "end_date", "issue"):
        value = arms.config.get(label)
        if isinstance(value, str | int):
            lines.append(f"- {label.replace('_', ' ')}: {as_markdown_text(str(value))}")
    return "\n".join(lines) + "\n"


_HOW = {
    "gated": "none on this day",
    "kept": "this one in an earlier attempt",
    "seed": "by the seed",
    "weight": "by weights, which is chance and no balance",
    "least_used": "the least used first",
}


def bar(number: int, least: int) -> str:
    """Return a bar of 20 cells with its percentage."""
    percent = min(100, int(number / least * 100 + 0.5))
    filled = int(percent / 5 + 0.5)
    return f"{'█' * filled}{'░' * (_CELLS - filled)} {percent}%"


def as_markdown_text(text: str) -> str:
    """Return a text that is nothing but text in Markdown, on one line."""
    return _printable(" ".join(text.split())).translate(_ESCAPED)


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else "�" for sign in text)


def _encoded(value: str) -> str:
    return "".join(
        chr(byte) if byte in _PLAIN else f"%{byte:02X}"
        for byte in value.encode("utf-8", "replace")
    )


def document(
    run_id: str, timestamp: str, found: list[dict[str, Any]], state: str
) -> dict[str, Any]:
    """Return the answer for machines."""
    assignments = {item["experiment"]: item["variant"] for item in found}
    return {
        "run_id": run_id,
        "timestamp": timestamp,
        "prefix": title_prefix(assignments),
        "assignments": assignments,
        "experiments": found,
        "state": state,
    }
