"""What belongs to this checkout alone: its identity, and which experiments it started."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from meta_experiment.errors import StorageError
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.durable import ensure_directory
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.lock import FileLock
from meta_experiment.files.roots import Layout
from meta_experiment.live import places, seal
from meta_experiment.live.places import read_whole

_MANUAL, _SERVED = "manual", "served"


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


def machine_key(files: FileSystem) -> bytes:
    """Return the key of this machine and user, drawn at first use.

    Raises:
        LockedError: another process draws it for too long. StorageError: the disk refused, or
            there is no home to keep it in.
    """
    data = places.data_folder(os.environ)
    if not data:
        raise StorageError(
            "There is no home folder, so nothing can be started here.", hint="Set HOME."
        )
    path = Path(seal.key_file(data))
    with _refusals(path):
        known = seal.machine_key(data)
    if known:
        return known
    with FileLock(path.with_name("key.lock"), verb="draw the machine's key"), _refusals(path):
        known = seal.machine_key(data)
        if not known:
            known = os.urandom(32).hex().encode()
            write_atomically(files, path, known + b"\n")
        return known


@dataclass(frozen=True, slots=True)
class Mark:
    """That this checkout started an experiment: how, and which plan with which texts."""

    manual: bool
    digest: str


def mark_started(layout: Layout, files: FileSystem, experiment_id: str, mark: Mark) -> None:
    """Remember that this checkout started an experiment itself. Raises StorageError."""
    path = layout.started(experiment_id)
    words = f"{_MANUAL if mark.manual else _SERVED} {mark.digest}"
    sealed = seal.seal(machine_key(files), _sealed(layout, files, experiment_id, words))
    with _refusals(path):
        ensure_directory(files, path.parent)
        write_atomically(files, path, f"{words} {sealed}\n".encode())


def unmark_started(layout: Layout, files: FileSystem, experiment_id: str) -> None:
    """Forget that this checkout started an experiment. Raises StorageError."""
    path = layout.started(experiment_id)
    with _refusals(path):
        if path.parent.exists():
            files.remove(path)
            files.sync_directory(path.parent)


def read_mark(layout: Layout, files: FileSystem, experiment_id: str) -> Mark | None:
    """Return how this checkout started an experiment; None when it did not.

    What is not under this machine's seal came with a commit, and says nothing.
    """
    words, _, sealed = _read(layout.started(experiment_id)).rpartition(" ")
    how, _, digest = words.partition(" ")
    if how not in (_MANUAL, _SERVED) or not digest:
        return None
    with _refusals(layout.started(experiment_id)):
        key = seal.machine_key(places.data_folder(os.environ))
    text = _sealed(layout, files, experiment_id, words)
    if not key or sealed != seal.seal(key, text):
        return None
    return Mark(how == _MANUAL, digest)


def _sealed(layout: Layout, files: FileSystem, experiment_id: str, words: str) -> str:
    return "\x1f".join(("started", checkout_id(layout, files), experiment_id, words))


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
