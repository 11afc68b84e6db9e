"""The index of what is served here, and the machine's list of roots that serve anything."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from meta_experiment import __version__
from meta_experiment.assign.draw import arm_for
from meta_experiment.errors import RefusedError
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.durable import ensure_directory
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.lock import FileLock
from meta_experiment.live import index, places
from meta_experiment.services.assigning import mixed_seed
from meta_experiment.services.client_places import scope_of
from meta_experiment.services.serving import Serving
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Assignment

_SHA_DIGITS = 12
_KEY_DIGITS = 16


def entry_of(
    workspace: Workspace, serving: Serving, since: float, before: index.Entry | None
) -> index.Entry:
    """Compile what serving must know of an experiment; `before` is its line so far."""
    experiment, plan = serving.experiment, serving.experiment.plan
    seed = mixed_seed(workspace, experiment)
    names = [variant.name for variant in plan.variants]
    sequence = ""
    sha = experiment.plan_sha256[:_SHA_DIGITS]
    if before is not None and (before.sha, before.seed) == (sha, seed) and before.sequence:
        sequence = before.sequence  # drawing ahead is what takes time here
    elif plan.assignment is not Assignment.HASH:
        drawn = (arm_for(plan, seed, "", position) for position in range(index.SEQUENCE_LENGTH))
        sequence = index.sequence_text([names.index(name) for name in drawn])
    return index.Entry(
        id=experiment.experiment_id,
        state=index.RUNNING,
        kind=serving.kind,
        name=serving.name,
        path=serving.path,
        form=serving.form,
        unit=plan.unit.value,
        method=plan.assignment.value,
        traffic=plan.traffic,
        arms=names,
        weights=[variant.weight for variant in plan.variants],
        seed=seed,
        sequence=sequence,
        user=_user_key(workspace),
        since=since,
        parts=serving.parts,
        arguments=serving.arguments,
        allow=serving.allow,
        sha=sha,
        plugin=__version__,
        report=list(plan.report),
    )


def write_index(workspace: Workspace, entries: Sequence[index.Entry]) -> None:
    """Replace the index of this root.

    Raises:
        OSError, StorageError: the disk refused. RefusedError: an impossible name.
    """
    path = workspace.layout.active_index
    try:
        text = index.sealed_lines(entries, workspace.store.seal()) if entries else ""
    except ValueError as error:
        raise RefusedError(
            f"This experiment cannot be served: {error}.", hint="Start it with --manual."
        ) from error
    if not text:
        workspace.files.remove(path)
    elif not path.is_file() or places.read_whole(path) != text.encode():
        ensure_directory(workspace.files, path.parent)
        write_atomically(workspace.files, path, text.encode())


def list_root(workspace: Workspace, *, serves: bool) -> None:
    """Put this root on the machine's list, or take it off; name the interpreter beside it.

    Raises:
        OSError: the disk refused. RefusedError: the root's path cannot stand in the list.
    """
    data = places.data_folder(os.environ)
    listed = Path(places.roots_file(data)) if data else None
    if listed is None or (not serves and not listed.exists()):
        return
    ensure_directory(workspace.files, Path(data))
    with FileLock(Path(data, "roots.lock"), verb="list a root under experiment"):
        known = places.roots(data)
        root = str(workspace.root)
        kept = [item for item in known if item.path != root and Path(item.path).is_dir()]
        if serves:
            token = workspace.store.checkout()[: places.TOKEN_LENGTH]
            kept.append(places.Root(token, scope_of(workspace.root), root))
            _put(workspace.files, places.python_file(data), f"{_interpreter()}\n")
        try:
            text = "".join(map(places.format_root, kept))
        except ValueError as error:
            raise RefusedError(
                f"Nothing can be served here: {error}.", hint="Start it with --manual."
            ) from error
        if text:
            _put(workspace.files, str(listed), text)
        else:
            workspace.files.remove(listed)


def _put(files: FileSystem, path: str, text: str) -> None:
    if places.read_text(path) != text:
        write_atomically(files, Path(path), text.encode("utf-8", "surrogateescape"))


def _interpreter() -> str:
    """Return a Python that can be started as it is, without a version manager in between."""
    return str(Path(sys.executable).resolve())


def _user_key(workspace: Workspace) -> str:
    parts = (str(os.getuid() if hasattr(os, "getuid") else 0), workspace.store.checkout())
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:_KEY_DIGITS]
