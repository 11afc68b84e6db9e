"""What a workflow declared of an experiment at each time, out of git's history and archives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from meta_experiment.errors import MetaExperimentError
from meta_experiment.files.confine import read_confined, safe_component
from meta_experiment.git import Git
from meta_experiment.services.workflows.workflow_files import WorkflowFile, specification_in
from meta_experiment.services.workspace import Workspace
from meta_experiment.types.workflows import DeclaredExperiment
from meta_experiment.workflows.state.generations import DrawTerms
from meta_experiment.workflows.state.parsing import BadStateError, moment

ARCHIVE = ".github/experiments/archive"
_MOST_COMMITS = 500
_NEVER = float("inf")
_LARGEST = 256 * 1024 * 1024  # bytes of an archive, which holds the whole state


def draw_terms(
    workspace: Workspace, file: WorkflowFile, experiment: DeclaredExperiment
) -> tuple[DrawTerms, ...]:
    """Return on which days an experiment drew its variants, and which, from when on each.

    Git's history says it. What came before the first commit that it knows (a shallow clone
    knows one) is told by the archives of generations, as far as these go. Where neither knows
    anything of the file, the dates of today held always, and the variants are not known.
    """
    try:
        past = list(_past(workspace.git, file, experiment.name)) if workspace.git else []
    except MetaExperimentError:
        past = []
    first, last = experiment.start_date, experiment.end_date
    now = _terms(_NEVER, experiment)
    if past and (past[0].variants, past[0].shares) != (now.variants, now.shares):
        past.append(now)  # not committed: nothing drew of it
    known = min((item.since for item in past), default=_NEVER)
    earliest = min(past, key=lambda item: item.since) if past else None
    dates = (earliest.first, earliest.last) if earliest else (first, last)
    before = [
        DrawTerms(at, *dates, variants, dated=False)
        for at, variants in _archived(workspace.root, file.name, experiment.name)
        if at < known
    ]
    if before and not past:  # since the last one, the file may have been changed by hand
        before[-1] = replace(before[-1], first=first, last=last, variants=experiment.variants)
    return (*past, *before) or (DrawTerms(0.0, first, last, dated=False),)


def _past(git: Git, file: WorkflowFile, name: str) -> Iterator[DrawTerms]:
    """Yield what each commit that changed the file declares, the newest first."""
    path, read = file.path, {file.content.data: file.specification}
    listed = git.run("log", f"--max-count={_MOST_COMMITS}", "--format=%ct %H", "--", path)
    commits = [line.split() for line in listed.output.decode("ascii", "replace").splitlines()]
    if listed.code or not commits:
        return
    asked = "".join(f"{commit}:{path}\n" for _, commit in commits).encode()
    rest = git.demand("cat-file", "--batch", stdin=asked)
    for time, _ in commits:
        head, _, rest = rest.partition(b"\n")
        words = head.split()
        if words[-1:] == [b"missing"] or len(words) != 3:
            continue
        size = int(words[-1])
        data, rest = rest[:size], rest[size + 1 :]
        if data not in read:
            read[data] = specification_in(data, path)
        found = read[data].experiment(name)
        if found is not None:
            yield _terms(float(time), found)


def _terms(since: float, declared: DeclaredExperiment) -> DrawTerms:
    """Return what is declared from a time on; without weights all variants come as often.

    The shares of a ramp are those of its stages; weights beside it draw nothing.
    """
    weight = None if declared.continual is not None else declared.weight
    weight = weight or (1.0,) * len(declared.variants)
    total = sum(weight)
    shares = tuple(item / total for item in weight) if total else ()
    days = (declared.start_date, declared.end_date)
    return DrawTerms(since, *days, declared.variants, shares=shares)


def _archived(root: Path, workflow: str, name: str) -> list[tuple[float, tuple[str, ...]]]:
    """Return the variants before and after each generation that ended, by the time of its end.

    One that cannot be read tells nothing.
    """
    folder = f"{ARCHIVE}/{safe_component(workflow)}/{name}"
    try:
        names = sorted(item.name for item in (root / folder).iterdir())
    except OSError:
        return []
    ends: list[tuple[float, tuple[str, ...], tuple[str, ...]]] = []
    for item in names:
        try:
            document = json.loads(read_confined(root, f"{folder}/{item}", _LARGEST).data)
            at = moment(document["archived_at"])
            before, after = document["current_variants"], document["next_variants"]
            ends.append((at, tuple(map(str, before)), tuple(map(str, after))))
        except (MetaExperimentError, BadStateError, ValueError, TypeError, KeyError):
            continue
    ends.sort()
    return [(-_NEVER, ends[0][1]), *((at, after) for at, _, after in ends)] if ends else []
