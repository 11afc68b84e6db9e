"""What is told at the start of a session: decisions that are due, and what was done apart.

`status` passes here, so nothing is imported that a glance does not need.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meta_experiment.files.roots import Layout
from meta_experiment.live.places import read_whole

if TYPE_CHECKING:
    from meta_experiment.types import Step

_VERBS = {"PROMOTE": "promote", "REJECT": "rollback", "INCONCLUSIVE": "stop"}
_LINE_LIMIT = 300  # characters of one notice


def from_rows(layout: Layout, rows: Iterable[Mapping[str, Any]]) -> None:
    """Keep the notice in step with the rows of the board.

    What `auto` may do itself is no decision for the user: its notices only `auto` writes.
    """
    known = _read(layout)
    due = {}
    for row in rows:
        name, decision = str(row["id"]), str(row["decision"])
        if row["status"] != "running" or decision not in _VERBS:
            continue
        if not row["auto"]:
            due[name] = _sentence(name, decision, str(row["reason"]))
        elif name in known:
            due[name] = known[name]
    _write(layout, known, due)


def from_steps(layout: Layout, steps: Iterable[Step]) -> None:
    """Keep the notice in step with what `auto` left to the user, or could not do."""
    due = {}
    for step in steps:
        name = step.experiment_id
        if step.error is not None:
            due[name] = _line(f"{name} could not be acted on: {step.sentence}")
        elif step.decision is not None and step.action is None and step.decision in _VERBS:
            due[name] = _sentence(name, step.decision, step.sentence.split(" Its plan ")[0])
    _write(layout, _read(layout), due)


def add_news(layout: Layout, steps: Iterable[Step]) -> None:
    """Note what `auto` did while nobody looked, to be said once."""
    lines = [
        f"{_line(step.sentence)} To take it back: /meta_experiment rollback "
        f"{step.experiment_id}\n"
        for step in steps
        if step.action is not None and step.error is None
    ]
    if lines:
        from meta_experiment.files.filesystem import FileSystem

        with contextlib.suppress(OSError):
            FileSystem().append(layout.local / "news", "".join(lines).encode())


def _sentence(name: str, decision: str, reason: str) -> str:
    return _line(
        f"{name} is decided: {reason.rstrip('.')}. "
        f"To act on it: /meta_experiment {_VERBS[decision]} {name}"
    )


def _line(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LINE_LIMIT else text[: _LINE_LIMIT - 1] + "…"


def _place(layout: Layout) -> Path:
    return layout.local / "notice"


def _read(layout: Layout) -> dict[str, str]:
    try:
        text = read_whole(_place(layout)).decode("utf-8", "replace")
    except OSError:
        return {}
    pairs = (line.partition("\t") for line in text.split("\n"))
    return {name: sentence for name, tab, sentence in pairs if tab}


def _write(layout: Layout, known: Mapping[str, str], due: Mapping[str, str]) -> None:
    """Write only what changed; a checkout that cannot be written goes without a notice."""
    if due == known:
        return
    from meta_experiment.files.atomic import write_atomically
    from meta_experiment.files.durable import ensure_directory
    from meta_experiment.files.filesystem import FileSystem

    files = FileSystem()
    with contextlib.suppress(OSError):
        if not due:
            files.remove(_place(layout))
            return
        ensure_directory(files, layout.local)
        lines = "".join(f"{name}\t{sentence}\n" for name, sentence in due.items())
        write_atomically(files, _place(layout), lines.encode())
