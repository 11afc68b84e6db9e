"""Experiments that were put away: one file each, in the form of the registry, committable.

They move out of the registry with its next change, so that it stays small and is read fast. An
experiment that stands in both, as after a crash, is the one of the registry.
"""

from __future__ import annotations

import json
from pathlib import Path

from meta_experiment.errors import CorruptStoreError, StorageError
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.confine import Content
from meta_experiment.files.durable import ensure_directory
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.model.registry import decode_registry, encode_registry
from meta_experiment.protocol.places import read_whole, try_read
from meta_experiment.types import Experiment, Status


def read_archived(layout: Layout, experiment_id: str) -> Experiment:
    """Return an experiment that was put away.

    Raises:
        CorruptStoreError: its file is damaged, or a newer version wrote it.
        StorageError: it cannot be read.
    """
    path = layout.archived(experiment_id)
    try:
        return _decoded(path, read_whole(path), experiment_id)
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error


def mentions(layout: Layout, experiment_id: str, text: str) -> bool:
    """Tell whether the file of an experiment that was put away holds a text, as JSON has it."""
    wanted = json.dumps(text, ensure_ascii=False).encode()
    return wanted in (try_read(layout.archived(experiment_id)) or b"")


def put_away(layout: Layout, files: FileSystem, experiment: Experiment) -> None:
    """Write the file of an experiment, durable on return. Raises OSError."""
    path, data = layout.archived(experiment.experiment_id), encode_registry([experiment])
    ensure_directory(files, path.parent)
    known = files.read(path) if path.exists() else None
    if known == data:
        return
    if known is not None:  # of an earlier time, or another branch: kept, whatever it holds
        digest = Content(known, 0).sha256[:16]
        kept = layout.backups / f"{path.name}.earlier-{digest}"
        ensure_directory(files, kept.parent)
        write_atomically(files, kept, known)
    write_atomically(files, path, data)


def _decoded(path: Path, data: bytes, experiment_id: str) -> Experiment:
    try:
        experiments = decode_registry(data)
    except CorruptStoreError as error:
        raise type(error)(f"{path}: {error.message}", hint=error.hint) from error
    if [item.experiment_id for item in experiments] != [experiment_id]:
        raise CorruptStoreError(f"{path} does not hold the experiment that its name says.")
    if experiments[0].status is not Status.ARCHIVED:
        raise CorruptStoreError(f"{path} holds an experiment that was not archived.")
    return experiments[0]
