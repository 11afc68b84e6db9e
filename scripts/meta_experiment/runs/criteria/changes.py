"""Criteria of what a run changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from meta_experiment.errors import cite
from meta_experiment.runs import globs
from meta_experiment.runs.criteria.run_work import Ruling, RunWork
from meta_experiment.types.cases import Criterion


def within_bounds(criterion: Criterion, work: RunWork) -> Ruling:
    """Hold the number of changed files and lines, and their paths, to what is allowed."""
    if work.changed is None:
        return Ruling(None, "what it changed is not known")
    faults = [*_numbers(criterion.options, work.changed), *_paths(criterion, work.changed)]
    return Ruling(not faults, "; ".join(faults))


def _numbers(options: Mapping[str, object], changed: Mapping[str, int]) -> Iterator[str]:
    for what, number in (("files", len(changed)), ("lines", sum(changed.values()))):
        least, most = options.get(f"min_{what}"), options.get(f"max_{what}")
        if isinstance(least, int) and number < least:
            yield f"{number:,} {what} changed, at least {least:,} wanted"
        if isinstance(most, int) and number > most:
            yield f"{number:,} {what} changed, at most {most:,} allowed"


def _paths(criterion: Criterion, changed: Iterable[str]) -> Iterator[str]:
    only, never = criterion.options.get("only"), criterion.options.get("never")
    for path in sorted(changed):
        if isinstance(only, list) and not _is_covered(path, only):
            yield f"{cite(path)} changed, which is none of what may"
        if isinstance(never, list) and _is_covered(path, never):
            yield f"{cite(path)} changed, which may not"


def _is_covered(path: str, patterns: list[str]) -> bool:
    return any(globs.covers(pattern, path) for pattern in patterns)
