"""Drawing variants: one sequence per experiment, shared by all processes.

What stands in their files is that of `protocol.sequence`, which prompts in the client share.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from meta_experiment.errors import StorageError
from meta_experiment.files.durable import make_empty
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.lock import FileLock
from meta_experiment.files.roots import Layout
from meta_experiment.protocol import log_head, sequence
from meta_experiment.protocol.seal import Seal
from meta_experiment.store.fold.identifiers import new_trial_id, unit_key
from meta_experiment.store.local.writer import own_log
from meta_experiment.store.trial_log import AssignedTrial


def assign(
    layout: Layout,
    files: FileSystem,
    seal: Seal,
    experiment_id: str,
    unit: str,
    draw: Callable[[int], str],
    *,
    at: float,
    drawn_by: Callable[[int], str] = lambda _: "",
    new_id: Callable[[], str] = new_trial_id,
    wait: float = sequence.WAIT,
) -> AssignedTrial:
    """Give a unit its variant: the one it has, else the one drawn for the next position.

    A unit that was drawn apart from the sequence joins it with the variant it has. The line
    is durable on return.

    Args:
        layout: the places of files.
        files: the disk.
        seal: this machine's, in the checkout.
        experiment_id: whose sequence.
        unit: what is randomised.
        draw: gives the variant for a position (0, 1, …) of the sequence.
        at: the time, in seconds since the epoch.
        drawn_by: says by what it was drawn for a position, "" where that is not kept.
        new_id: draws a trial id.
        wait: the longest wait for the sequence, in seconds.

    Raises:
        LockedError: other processes held the sequence for too long; see `assign_apart`.
        StorageError: the disk refused. UsageError: the unit is empty or too long.
    """
    key, root = unit_key(unit), os.fspath(layout.root)
    folder = layout.trials(experiment_id)
    lock = FileLock(layout.lock(f"{experiment_id}.assign"), timeout=wait, verb="assign")
    try:
        with lock:
            known = sequence.read_sequence(root, experiment_id, key, seal)
            path, before = Path(known.path), known.found
            if not path.exists() or not path.stat().st_size:
                make_empty(files, path)
            if known.torn:
                files.truncate(path, known.size)
            if before is None:
                before = sequence.find_apart(root, experiment_id, key, seal, known.path)
            position = known.found[0] - 1 if known.found else known.count
            variant = before[1] if before else draw(position)
            drawn = AssignedTrial(unit, variant, new_id(), position, before is not None)
            total = known.count if known.found else known.count + 1
            head = b"" if known.size else log_head.head(seal, experiment_id, path.name)
            by = "" if before else drawn_by(position)
            files.append(path, head + _line(total, key, drawn, at, by), durable=False)
        # made durable outside the lock: others need not wait for the disk
        files.sync_file(path)
    except OSError as error:
        raise StorageError(f"{folder} cannot be written: {error.strerror}.") from error
    return drawn


def assign_apart(
    layout: Layout,
    files: FileSystem,
    seal: Seal,
    experiment_id: str,
    unit: str,
    draw: Callable[[], str],
    *,
    writer: str,
    at: float,
    drawn_by: str = "",
    new_id: Callable[[], str] = new_trial_id,
) -> AssignedTrial:
    """Give a unit its variant without the shared sequence, when its lock cannot be had.

    `draw` must depend on the unit alone (a hash), so that two processes agree. The line goes
    to the writer's own file, where `assign` finds it later.

    Raises:
        StorageError: the disk refused. UsageError: the unit is empty or too long.
    """
    key, root = unit_key(unit), os.fspath(layout.root)
    folder = layout.trials(experiment_id)
    try:
        sequenced = sequence.read_sequence(root, experiment_id, key, seal)
        known = sequenced.found
        before = known or sequence.find_apart(root, experiment_id, key, seal, sequenced.path)
        drawn = AssignedTrial(
            unit=unit,
            variant=before[1] if before else draw(),
            trial_id=new_id(),
            position=known[0] - 1 if known else None,
            repeated=before is not None,
        )
        log = own_log(folder, seal, sequence.apart_names(writer))
        log.append(files, _line(0, key, drawn, at, "" if before else drawn_by))
    except OSError as error:
        raise StorageError(f"{folder} cannot be written: {error.strerror}.") from error
    return drawn


def _line(count: int, key: str, drawn: AssignedTrial, at: float, by: str = "") -> bytes:
    return sequence.format_line(count, key, drawn.variant, drawn.trial_id, at, by)
