"""The board that `status` prints: what runs, what ended, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from meta_experiment.render import words
from meta_experiment.render.style import Style

Row = Mapping[str, Any]

_SIGNS = {
    "draft": "○ Draft",
    "running": "● Running",
    "paused": "◐ Paused",
    "promoted": "✔ Promoted",
    "rolled_back": "✘ Rolled back",
    "expired": "◌ Ended undecided",
    "archived": "▪ Archived",
}
_DEEDS = {"promote": "promoted", "rollback": "rolled back", "expire": "ended"}
_FILES = 3  # named, of more than so many the others are counted
_ACTIVE = ("running", "paused", "draft")


def board(rows: Sequence[Row], summary: Mapping[str, Any], style: Style, limit: int) -> str:
    """Write the board of all experiments; `limit` bounds each of the two sections."""
    if not rows and summary["archived"]:
        stored = words.counted(summary["archived"], "experiment")
        return f"Nothing on the board; {stored} archived: meta-experiment status --archived"
    if not rows:
        return (
            "No experiments yet.\n"
            "Start one: meta-experiment create --file PROMPT.md=VARIANT.md "
            "--primary-metric active_seconds --start"
        )
    active = [row for row in rows if row["status"] in _ACTIVE]
    completed = [row for row in rows if row["status"] not in _ACTIVE]
    parts = []
    if active:
        parts += [style.strong("ACTIVE EXPERIMENTS"), *_section(active, style, limit)]
    if completed:
        parts += [style.strong("COMPLETED EXPERIMENTS"), *_section(completed, style, limit)]
    parts += [style.strong("SUMMARY"), _summary(summary)]
    return "\n\n".join(parts)


def one(row: Row, style: Style) -> str:
    """Write the board's entry of one experiment."""
    lines = [f"{style.strong(words.name(row['id']))}  {_sign(row, style)}"]
    lines.append(f"  Name        {words.quoted(row['name'])}")
    lines.append(f"  Hypothesis  {words.quoted(row['hypothesis'])}")
    lines += [f"  File        {words.name(path)}" for path in row["files"][:_FILES]]
    if (more := len(row["files"]) - _FILES) > 0:
        lines.append(f"              and {words.counted(more, 'more file')}")
    lines += _progress(row)
    lines += _results(row)
    outcome = row.get("outcome")
    if row.get("decision") and not outcome:
        lines.append(f"  Decision    {_decision(row, style)}")
    if outcome:
        lines.append(f"  Outcome     {_outcome(outcome)}")
    lines += [f"  {style.warn('Apart')}       {words.one_line(text)}" for text in row["apart"]]
    lines += [f"  {style.warn('Alert')}       {words.one_line(text)}" for text in row["alerts"]]
    lines.append(f"  Next        {words.one_line(row['next_action'])}")
    return "\n".join(lines)


def _section(rows: Sequence[Row], style: Style, limit: int) -> list[str]:
    shown = [one(row, style) for row in rows[:limit]]
    if len(rows) > limit:
        shown.append(style.dim(f"… and {len(rows) - limit:,} more (--limit {len(rows)})"))
    return shown


def _sign(row: Row, style: Style) -> str:
    sign = _SIGNS[row["status"]]
    paint = {"promoted": style.good, "rolled_back": style.bad, "running": style.warn}
    return paint.get(row["status"], style.dim)(sign)


def _progress(row: Row) -> list[str]:
    progress = row["progress"]
    if row["status"] not in _ACTIVE:
        return [f"  Trials      {progress['trials']:,}"]
    if progress["fraction"] is None:
        return ["  Progress    its trials are not read"]
    drawn = words.bar(progress["fraction"])
    line = (
        f"  Progress    {drawn} {words.per_cent(progress['fraction'])} "
        f"({progress['smallest_arm']:,} of at least {progress['needed_per_arm']:,} per arm"
    )
    left = progress.get("days_left")
    if left is not None:
        line += f", {words.days(left)} left"
    return [line + ")"]


def _results(row: Row) -> list[str]:
    primary = row["primary"]
    lines = []
    for arm in row["variants"]:
        if arm["mean"] is None:
            continue
        kind = "geometric mean" if primary["scale"] == "log" else "mean"
        value = words.quantity(arm["mean"], primary["unit"])
        name = words.name(arm["name"])
        units = words.counted(arm["n"], "unit")
        lines.append(f"  {name:<11} {value}  ({kind} of {primary['metric']}, {units})")
    improvement = row.get("improvement")
    if improvement is not None and lines:
        word = "better" if improvement >= 0 else "worse"
        lines.append(f"  Effect      {words.per_cent(abs(improvement), 1)} {word}")
    return lines


def _decision(row: Row, style: Style) -> str:
    paint = {"PROMOTE": style.good, "REJECT": style.bad}.get(row["decision"], style.warn)
    return f"{paint(row['decision'])} ({row['reason_code']}): {words.one_line(row['reason'])}"


def _outcome(outcome: Mapping[str, Any]) -> str:
    done = f"{_DEEDS[outcome['action']]} on {outcome['at'][:10]}"
    text = f"{done}: {words.quoted(outcome['reason'])}"
    if outcome.get("override"):
        text += f" [OVERRIDE without evidence: {words.quoted(outcome['override'])}]"
    return text


def _summary(summary: Mapping[str, Any]) -> str:
    lines = [f"  Active      {summary['active']:,}"]
    ended = summary["promoted"] + summary["rolled_back"]
    rate = f" ({summary['promoted'] / ended:.0%} of those decided)" if ended else ""
    lines.append(f"  Promoted    {summary['promoted']:,}{rate}")
    lines.append(f"  Rolled back {summary['rolled_back']:,}")
    lines.append(f"  Undecided   {summary['expired']:,}")
    if summary["archived"]:
        lines.append(f"  Archived    {summary['archived']:,}")
    return "\n".join(lines)
