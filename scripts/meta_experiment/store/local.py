"""What belongs to this checkout alone: its identity, and which experiments it started."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from meta_experiment.errors import StorageError
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.durable import ensure_directory
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.lock import FileLock
from meta_experiment.files.roots import Layout
from meta_experiment.live.places import read_whole

_MANUAL = b"manual\n"


def checkout_id(layout: Layout, files: FileSystem) -> str:
    """Return the random identity of this checkout, drawn at first use.

    Mixed into seeds, so that not every checkout begins with the same arm.

    Raises:
        LockedError: another process draws it for too long. StorageError: the disk refused.
    """
    known = _read(layout.local_id)
    if known:
        return known
    with FileLock(layout.lock("local"), verb="draw the checkout's identity"):
        known = _read(layout.local_id)
        if known:
            return known
        drawn = os.urandom(16).hex()
        with _refusals(layout.local_id):
            ensure_directory(files, layout.local)
            write_atomically(files, layout.local_id, drawn.encode() + b"\n")
        return drawn


def mark_started(
    layout: Layout, files: FileSystem, experiment_id: str, *, manual: bool = False
) -> None:
    """Remember that this checkout started an experiment itself. Raises StorageError.

    `manual`: its variants are served and recorded by the user's own means.
    """
    path = layout.started(experiment_id)
    with _refusals(path):
        ensure_directory(files, path.parent)
        write_atomically(files, path, _MANUAL if manual else b"")


def unmark_started(layout: Layout, files: FileSystem, experiment_id: str) -> None:
    """Forget that this checkout started an experiment. Raises StorageError."""
    path = layout.started(experiment_id)
    with _refusals(path):
        if path.parent.exists():
            files.remove(path)
            files.sync_directory(path.parent)


def started_here(layout: Layout, experiment_id: str) -> bool:
    """Tell whether this checkout started the experiment; others serve its control."""
    return layout.started(experiment_id).exists()


def serves_here(layout: Layout, experiment_id: str) -> bool:
    """Tell whether this checkout started the experiment, and not by hand."""
    path = layout.started(experiment_id)
    return path.exists() and not _read(path)


def _read(path: Path) -> str:
    with _refusals(path):
        try:
            return read_whole(path).decode("ascii", "replace").strip()
        except FileNotFoundError:
            return ""


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"{path} is out of reach: {error.strerror}.") from error
