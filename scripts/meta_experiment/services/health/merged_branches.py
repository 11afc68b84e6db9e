"""What git made of two branches that both changed experiments: merged, or brought back.

Git compares lines, and two experiments that were made at once are lines in one place: it leaves
the merge open, and somebody may end it by keeping one side.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from meta_experiment.git.file_versions import open_sides
from meta_experiment.model.open_merge import MergeSides, marked_sides
from meta_experiment.model.registry import decode_registry, decode_whole, encode_registry
from meta_experiment.model.registry_merge import MergedRegistry, merge_registries
from meta_experiment.protocol.places import try_read
from meta_experiment.services.left_out import left_out
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.local.archive import put_away
from meta_experiment.store.local.registry import resolve_registry
from meta_experiment.types import Experiment

_BASE, _OURS, _THEIRS = 1, 2, 3  # as git numbers them


def merge_open(workspace: Workspace) -> Iterator[str]:
    """Merge by experiment what git left open of the registry and the archive; say what stands.

    Raises:
        ConflictError: both sides made an experiment of one id, and these are two.
        CorruptStoreError: a side is damaged as well.
    """
    merged = list[MergedRegistry]()

    def resolve(present: bytes) -> bytes | None:
        sides = _sides(workspace, workspace.layout.registry, present)
        if sides is None:
            return None
        (ours, strange), (theirs, more) = map(decode_whole, (sides.ours, sides.theirs))
        merged[:] = [_merged(workspace, sides.base, ours, theirs)]
        strange += [entry for entry in more if entry not in strange]
        return encode_registry(merged[0].experiments, strange)

    aside = resolve_registry(workspace.layout, workspace.files, resolve)
    if aside is not None:
        yield (
            f"Both branches changed the registry; it has the {len(merged[0].experiments):,} "
            f"experiments of both now. As git left it: {aside}"
        )
        yield from merged[0].notes
    shown = [workspace.layout.registry] if aside is not None else []
    for path, notes in _archive(workspace):
        shown.append(path)
        yield f"Both branches put {path.stem} away; it is put away once now."
        yield from notes
    if shown:
        paths = " ".join(shlex.quote(str(path)) for path in shown)
        yield (
            f"To finish what git began: git add {paths} and git commit (within a rebase "
            "git rebase --continue)."
        )


def _archive(workspace: Workspace) -> Iterator[tuple[Path, Iterable[str]]]:
    for name in workspace.layout.archived_ids():
        path = workspace.layout.archived(name)
        sides = marked_sides(try_read(path) or b"")
        if sides is None:
            continue
        ours, theirs = decode_registry(sides.ours), decode_registry(sides.theirs)
        found = _merged(workspace, sides.base, ours, theirs)
        for one in found.experiments:
            put_away(workspace.layout, workspace.files, one)
        yield path, found.notes


def _sides(workspace: Workspace, path: Path, present: bytes) -> MergeSides | None:
    """Return the sides of a file that git left open: as git has them, else by its marks."""
    marked = marked_sides(present)
    if marked is None or workspace.git is None:
        return marked
    known = open_sides(workspace.git, path.relative_to(workspace.root).as_posix())
    if _OURS not in known or _THEIRS not in known:
        return marked
    return MergeSides(known[_OURS], known[_THEIRS], known.get(_BASE, b""))


def _merged(
    workspace: Workspace,
    base: bytes | None,
    ours: Iterable[Experiment],
    theirs: Iterable[Experiment],
) -> MergedRegistry:
    before = None if base is None else decode_registry(base or encode_registry([]))
    reached, away = partial(_reached, workspace), workspace.store.archived_ids()
    return merge_registries(before, ours, theirs, reached, away)


def _reached(workspace: Workspace, experiment: Experiment) -> float:
    """Return when an experiment came to its status, as its history says, else its record."""
    entries = workspace.store.history(experiment.experiment_id).entries
    said = [item.at for item in entries if item.after == experiment.status.value]
    told = (experiment.started, experiment.ended, *(it.at for it in experiment.outcomes))
    return max([*said, *filter(None, told)], default=experiment.created)


def bring_back(workspace: Workspace) -> Iterator[str]:
    """Register again what a merge left out, and say so."""
    for item in left_out(workspace):
        workspace.store.add(partial(_again, item))
        yield (
            f"{item.experiment_id} is registered again ({item.status.value}), as its last "
            f"commit had it: a merge had left it out. Commit {workspace.layout.registry}"
        )


def _again(experiment: Experiment, known: Sequence[Experiment]) -> Experiment:
    del known  # of which none is it
    return experiment
