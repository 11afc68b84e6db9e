"""Logs that do not count: saying so, and admitting their writers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from meta_experiment.errors import ConflictError, NotFoundError, UsageError
from meta_experiment.services.find import find_in
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.trial_log import UncountedLog
from meta_experiment.types.results.admission import Admission, IgnoredLog

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")  # what may stand in a line to copy
_SHOWN = 5


def admit(
    workspace: Workspace, selector: str, words: Sequence[str], *, remove: bool = False
) -> Admission:
    """Let the logs of writers count beside this checkout's own, or no longer.

    A word is a writer, a log's file name, or the name of a machine in one; without any
    nothing is changed.

    Raises:
        NotFoundError: no log of the experiment is of that writer. ConflictError: several are.
        UsageError: the writer's name cannot be kept.
    """
    experiment = find_in(workspace.store, selector)
    name = experiment.experiment_id
    before = set(workspace.checkout.counting().admitted.get(name, ()))
    names: dict[str, set[str]] = {}
    known = () if remove else workspace.store.trials(experiment).apart
    for item in known:
        for word in _spellings(item):
            names.setdefault(word, set()).add(item.writer)
    names |= {writer: {writer} for writer in (*before, *(item.writer for item in known))}
    chosen = _writers(words, names)
    after = before - chosen if remove else before | chosen
    if after != before:
        workspace.checkout.admit(name, after)
        verb = "no longer admitted" if remove else "admitted"
        reason = f"{verb}: {', '.join(sorted(chosen))}"
        workspace.note(experiment, "admit", experiment.status, reason)
    left = workspace.store.trials(experiment).apart
    ignored = tuple(IgnoredLog(item.source, item.writer, item.lines, item.why) for item in left)
    return Admission(name, tuple(sorted(after)), ignored, tuple(sentences(name, left)))


def sentences(experiment_id: str, apart: Iterable[UncountedLog]) -> Iterator[str]:
    """Say which logs of an experiment do not count, why, and what would make them count."""
    by_reason: dict[tuple[str, str | None], list[UncountedLog]] = {}
    for item in apart:
        by_reason.setdefault((item.why, item.remedy), []).append(item)
    for (why, remedy), items in by_reason.items():
        writers: dict[str, int] = {}
        for item in items:
            writers[item.writer] = writers.get(item.writer, 0) + item.lines
        plain = [writer for writer in writers if _PLAIN.fullmatch(writer)][:_SHOWN]
        shown = ", ".join(f"{writer}: {writers[writer]:,}" for writer in plain)
        if len(plain) < len(writers):
            shown += f"{', ' if shown else ''}{len(writers) - len(plain):,} other writers"
        lines = sum(writers.values())
        more = "at least " if any(item.more for item in items) else ""
        way = (
            remedy
            or f"To count them: meta-experiment admit {' '.join([experiment_id, *plain])}"
        )
        yield f"{more}{lines:,} lines of logs do not count ({shown}): {why}. {way}"


def _spellings(log: UncountedLog) -> set[str]:
    """Return the words that mean the writer of a log."""
    stem = log.source.rpartition(".")[0]
    machine = stem.removeprefix(f"{log.writer}-").rpartition("-")[0]
    return {log.writer, log.source, stem, machine} - {""}


def _writers(words: Sequence[str], names: Mapping[str, set[str]]) -> set[str]:
    """Return the writers that words mean. Raises as `admit`."""
    found: set[str] = set()
    for word in words:
        meant = names.get(word, set())
        if len(meant) > 1:
            shown = ", ".join(sorted(filter(_PLAIN.fullmatch, meant)))
            raise ConflictError(
                f"'{word}' fits {len(meant)} writers: {shown}.", hint="Name one of them."
            )
        if not all(map(str.isprintable, meant)):
            raise UsageError(
                "The name of that log has characters that cannot be kept.",
                hint="Rename the file first.",
            )
        if not meant:
            there = ", ".join(sorted(filter(_PLAIN.fullmatch, set().union(*names.values()))))
            raise NotFoundError(
                f"There is no log of a writer '{word}' that could be meant.",
                hint=f"There are: {there}" if there else None,
            )
        found |= meant
    return found
