"""The index of what is served here, and the machine's list of roots that serve anything."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from meta_experiment import __version__
from meta_experiment.assign.draw import arm_for, arms_ahead, drawn_by
from meta_experiment.errors import RefusedError
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.durable import ensure_directory
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.lock import FileLock
from meta_experiment.protocol import index, places
from meta_experiment.protocol.texts import digest
from meta_experiment.services.recording.assigning import layer_seed, mixed_seed
from meta_experiment.services.serving.client_places import scope_of
from meta_experiment.services.serving.serving_plan import Serving
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Assignment, Experiment, Plan

_SHA_DIGITS = 12
_KEY_DIGITS = 16


def entry_of(
    workspace: Workspace, serving: Serving, since: float, before: index.Entry | None
) -> index.Entry:
    """Compile what serving must know of an experiment; `before` is its line so far."""
    experiment, plan = serving.experiment, serving.experiment.plan
    seed = mixed_seed(workspace, experiment)
    names = [variant.name for variant in plan.variants]
    known = 0
    weights: Sequence[float]
    method, weights = drawn_by(plan)
    sha = experiment.plan_sha256[:_SHA_DIGITS]
    same = before is not None and (before.sha, before.seed) == (sha, seed)
    sequence = before.sequence if before and same else ""
    if plan.team is not None:
        method = Assignment.HASH.value  # of what comes when no leased position is left
        sequence += index.sequence_text(_leased(workspace, experiment, seed, len(sequence)))
    elif not sequence and plan.assignment is not Assignment.HASH:
        sequence = index.sequence_text(arms_ahead(plan, seed, _drawn_ahead(plan)))
    if plan.moves_shares:
        from meta_experiment.services.recording.renewing import renewed

        renewal = renewed(workspace, experiment)
        weights, known = renewal.parts, renewal.known
    return index.Entry(
        id=experiment.experiment_id,
        state=index.RUNNING,
        kind=serving.kind,
        name=serving.name,
        path=serving.path,
        form=serving.form,
        unit=plan.unit.value,
        method=method,
        traffic=plan.traffic,
        arms=names,
        weights=list(weights),
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
        digests={name: digest(data) for name, data in serving.texts.items()},
        ended=[item.treatment for item in experiment.ended_arms],
        known=known,
        opens=plan.start_date or 0.0,
        closes=plan.end_date or 0.0,
        slots=None if plan.layer is None else plan.layer.slots,
        layer=layer_seed(workspace, plan),
    )


def _leased(workspace: Workspace, experiment: Experiment, seed: str, done: int) -> list[int]:
    """Return the arms of a checkout's units, from one on, as far as it leased positions."""
    plan = experiment.plan
    names = [variant.name for variant in plan.variants]
    held = workspace.checkout.positions(experiment.experiment_id)
    places = (held.of(unit) for unit in range(done, held.end))
    # a unit between two ranges was drawn by its hash, and nobody looks its place up
    return [0 if at is None else names.index(arm_for(plan, seed, "", at)) for at in places]


def _drawn_ahead(plan: Plan) -> int:
    """Return how many draws follow from the plan alone: of a bandit those of its turns."""
    if plan.ramp is not None:
        return 0
    if plan.bandit is not None:
        return plan.bandit.burn_in * len(plan.variants)
    return index.SEQUENCE_LENGTH


def write_index(workspace: Workspace, entries: Sequence[index.Entry]) -> None:
    """Replace the index of this root.

    Raises:
        OSError, StorageError: the disk refused. RefusedError: an impossible name.
    """
    path = workspace.layout.active_index
    try:
        text = index.sealed_lines(entries, workspace.checkout.seal()) if entries else ""
    except ValueError as error:
        raise RefusedError(
            f"This experiment cannot be served: {error}.", hint="Start it with --manual."
        ) from error
    if not text:
        workspace.files.remove(path)
    elif not path.is_file() or places.read_whole(path) != text.encode():
        ensure_directory(workspace.files, path.parent)
        write_atomically(workspace.files, path, text.encode())


def list_root(
    workspace: Workspace, served: Collection[str], servings: Sequence[Serving]
) -> None:
    """Put this root on the machine's list, or take it off; name the interpreter beside it.

    With it goes what the machine keeps of the control of what is served, out of reach of a
    commit: what the injected line prints when all else fails.

    Args:
        workspace: the root.
        served: all experiments with a line in the index.
        servings: those that run.

    Raises:
        OSError: the disk refused. RefusedError: the root's path cannot stand in the list.
    """
    data = workspace.machine.data
    listed = Path(places.roots_file(data)) if data else None
    if listed is None or not (served or listed.exists()):
        return
    files = workspace.files
    ensure_directory(files, Path(data))
    with FileLock(Path(data, "roots.lock"), verb="list a root under experiment"):
        known = places.roots(data)
        root = str(workspace.root)
        kept = [item for item in known if item.path != root and Path(item.path).is_dir()]
        if served:
            token = workspace.checkout.identity()[: places.TOKEN_LENGTH]
            kept.append(places.Root(token, scope_of(workspace.root), root))
            _put(files, places.python_file(data), f"{_interpreter()}\n".encode())
            for serving in servings:
                for path, body in _kept(serving, data, token).items():
                    ensure_directory(files, Path(path).parent)
                    _put(files, path, body)
        try:
            text = "".join(map(places.format_root, kept))
        except ValueError as error:
            raise RefusedError(
                f"Nothing can be served here: {error}.", hint="Start it with --manual."
            ) from error
        if text:
            _put(files, str(listed), text.encode("utf-8", "surrogateescape"))
        else:
            files.remove(listed)
        _sweep(Path(data, "served"), kept, root, served)


def _kept(serving: Serving, data: str, token: str) -> dict[str, bytes]:
    """Return where the machine keeps the bodies of the control, and these."""
    control = serving.experiment.plan.control.name
    names = {places.body_name(control, part) for part in range(serving.parts + 1)}
    name_of, original = serving.experiment.experiment_id, digest(serving.control.data)
    return {
        places.kept_text(data, token, name_of, original, name): body
        for name, body in serving.stored.items()
        if name in names
    }


def _sweep(
    folder: Path, listed: Sequence[places.Root], root: str, served: Collection[str]
) -> None:
    """Remove kept texts of roots that serve nothing any more, and of what ended in this one.

    Copies of one checkout have one token, and need each what it serves.
    """
    tokens = {item.token for item in listed}
    alone = tokens - {item.token for item in listed if item.path != root}
    with contextlib.suppress(FileNotFoundError):
        for place in sorted(folder.iterdir()):
            if place.name not in tokens:
                shutil.rmtree(place, ignore_errors=True)
            elif place.name in alone:
                for name in sorted({item.name for item in place.iterdir()} - set(served)):
                    shutil.rmtree(place / name, ignore_errors=True)


def _put(files: FileSystem, path: str, data: bytes) -> None:
    if places.read_bytes(path) != data:
        write_atomically(files, Path(path), data)


def _interpreter() -> str:
    """Return a Python that can be started as it is, without a version manager in between."""
    return str(Path(sys.executable).resolve())


def _user_key(workspace: Workspace) -> str:
    parts = (str(os.getuid() if hasattr(os, "getuid") else 0), workspace.checkout.identity())
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:_KEY_DIGITS]
