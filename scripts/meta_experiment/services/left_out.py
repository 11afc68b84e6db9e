"""Experiments that a merge left out of the registry, as where somebody kept one side of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from meta_experiment.errors import MetaExperimentError
from meta_experiment.git.file_versions import earlier_versions, open_sides
from meta_experiment.model.registry import decode_registry
from meta_experiment.protocol.places import is_id, read_whole
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment
from meta_experiment.types.results.health import Finding

_HISTORY = ".jsonl"
_NAMED = 5  # of what was left out


def left_out(workspace: Workspace, *, most: int | None = None) -> list[Experiment]:
    """Return the experiments that have texts or a history here, and that a merge left out.

    They are as the newest commit had them that knew them. Where git does not keep the registry
    the copies in `backups/` tell it. `most` is how many versions are looked at.
    """
    missing = unregistered(workspace)
    found: dict[str, Experiment] = {}
    versions = islice(_versions(workspace), most) if missing else iter(())
    while missing - found.keys() and (data := next(versions, None)) is not None:
        with suppress(MetaExperimentError):
            for item in decode_registry(data):
                if item.experiment_id in missing:
                    found.setdefault(item.experiment_id, item)
    return [found[name] for name in sorted(found)]


def unregistered(workspace: Workspace) -> set[str]:
    """Return the ids that have stored texts or a history, and are of no experiment."""
    known = {item.experiment_id for item in workspace.store.experiments()}
    meta, names = workspace.layout.meta, set[str]()
    with suppress(OSError):
        names |= {path.name for path in (meta / "variants").iterdir()}
    with suppress(OSError):
        names |= {it.stem for it in (meta / "history").iterdir() if it.suffix == _HISTORY}
    return {name for name in names if is_id(name)} - known - workspace.store.archived_ids()


def _versions(workspace: Workspace) -> Iterator[bytes]:
    layout, git = workspace.layout, workspace.git
    path, kept = layout.registry.relative_to(workspace.root).as_posix(), False
    if git is not None:
        yield from open_sides(git, path).values()
        for data in earlier_versions(git, path):
            kept = True
            yield data
    if not kept:  # then no branch has another
        copies = list(layout.backups.glob(f"{layout.registry_backup.name}*"))
        for place in sorted(copies, key=lambda it: it.lstat().st_mtime, reverse=True):
            with suppress(OSError):
                yield read_whole(place)


def left_out_finding(workspace: Workspace, *, most: int | None = None) -> Iterator[Finding]:
    """Find whether a merge left experiments out of the registry: one finding of them all."""
    names = [item.experiment_id for item in left_out(workspace, most=most)]
    if names:
        more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        are, they = ("is", "it") if len(names) == 1 else ("are", "them")
        yield Finding(
            "registry",
            ok=False,
            detail=f"{', '.join(names[:_NAMED])}{more} {are} not in it, and texts or history "
            f"are here: a merge left {they} out",
            hint="meta-experiment recover",
        )
