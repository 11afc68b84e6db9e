"""Notice at the start of a session: decisions that are due, and what was done apart.

`status` passes here, so nothing is imported that a glance does not need.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meta_experiment.files.roots import Layout
from meta_experiment.protocol import places
from meta_experiment.protocol.seal import read_sealed

if TYPE_CHECKING:
    from meta_experiment.types.results.auto import AutoStep

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
        if row["watches"] is not None:
            continue  # it ends by itself
        if not row["auto"]:
            due[name] = _sentence(layout, name, row.get("files"), decision, str(row["reason"]))
        elif name in known:
            due[name] = known[name]
    _write(layout, known, due)


def from_steps(layout: Layout, steps: Iterable[AutoStep]) -> None:
    """Keep the notice in step with what `auto` left to the user, or could not do."""
    due = {}
    for step in steps:
        name = step.experiment_id
        if step.error is not None:
            prompt = _prompt(layout, step.files) or name
            due[name] = _line(f"{prompt} could not be acted on: {step.sentence}")
        elif step.decision is not None and step.action is None and step.decision in _VERBS:
            due[name] = _sentence(layout, name, step.files, step.decision, step.reason)
    _write(layout, _read(layout), due)


def add_news(layout: Layout, steps: Iterable[AutoStep]) -> None:
    """Note what `auto` did while nobody looked, to be said once."""
    add_lines(
        layout,
        (
            _named(layout, step.files) + done
            for step in steps
            if step.error is None and (done := _done(step))
        ),
    )


def add_lines(layout: Layout, lines: Iterable[str]) -> None:
    """Note what is to be said once when a session starts, a line each."""
    news = "".join(f"{_line(item)}\n" for item in lines)
    if not news:
        return
    from meta_experiment.errors import MetaExperimentError
    from meta_experiment.files.lock import FileLock

    with contextlib.ExitStack() as held:
        with contextlib.suppress(MetaExperimentError):  # better told twice than not at all
            held.enter_context(FileLock(layout.lock(places.NEWS), verb="leave word"))
        _keep(layout, places.NEWS, _kept(layout, places.NEWS) + news)


def _done(step: AutoStep) -> str:
    """Say what a step changed, and how it is taken back where it can be; "" for nothing."""
    name = step.experiment_id
    if step.action is not None:
        back = f" To take it back: /meta_experiment rollback {name}"
        return " ".join(step.sentence.split())[: _LINE_LIMIT - len(back)] + back
    if step.ended:
        return (
            f"{', '.join(step.ended)} of {name} did harm and gets no more units; the others "
            f"go on. Why: /meta_experiment analyze {name}"
        )
    return ""


def _sentence(
    layout: Layout, name: str, files: Sequence[str] | None, decision: str, reason: str
) -> str:
    return _line(
        f"{_prompt(layout, files) or name} is decided: {reason.rstrip('.')}. "
        f"To act on it: /meta_experiment {_VERBS[decision]} {name}"
    )


def _named(layout: Layout, files: Sequence[str]) -> str:
    prompt = _prompt(layout, files)
    return f"{prompt}: " if prompt else ""


def _prompt(layout: Layout, files: Sequence[str] | None) -> str:
    """Return the prompt under experiment as its user calls it; "" when there is none."""
    if not files:
        return ""
    from meta_experiment.errors import as_word
    from meta_experiment.prompts.identity import PromptKind
    from meta_experiment.services.serving.client_places import call_of, place_of

    place = place_of(layout.root, files[0])
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    if place is None:
        return as_word(files[0]) + more
    slash = "the agent " if place.kind is PromptKind.AGENT else "/"
    return slash + as_word(call_of(layout.root, files[0])) + more


def _line(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LINE_LIMIT else text[: _LINE_LIMIT - 1] + "…"


def _read(layout: Layout) -> dict[str, str]:
    pairs = (line.partition("\t") for line in _kept(layout, places.NOTICE).splitlines())
    return {name: sentence for name, tab, sentence in pairs if tab}


def _write(layout: Layout, known: Mapping[str, str], due: Mapping[str, str]) -> None:
    """Write only what changed."""
    if due != known:
        lines = "".join(f"{name}\t{sentence}\n" for name, sentence in due.items())
        _keep(layout, places.NOTICE, lines)


def _kept(layout: Layout, name: str) -> str:
    root = str(layout.root)
    try:
        return read_sealed(root, places.word(root, name), name).decode("utf-8", "replace")
    except OSError:
        return ""


def _keep(layout: Layout, name: str, text: str) -> None:
    """Leave word for the next session; a checkout that cannot be written goes without."""
    from meta_experiment.errors import MetaExperimentError
    from meta_experiment.files.filesystem import FileSystem
    from meta_experiment.store.local.sealing import write_sealed

    files, path = FileSystem(), Path(places.word(str(layout.root), name))
    with contextlib.suppress(OSError, MetaExperimentError):
        if text:
            write_sealed(layout, files, path, name, text.encode())
        else:
            files.remove(path)
