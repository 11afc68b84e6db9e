"""What belongs to this checkout alone: its identity, and which experiments it started."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from meta_experiment.errors import StorageError
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.durable import ensure_directory
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.lock import FileLock
from meta_experiment.files.roots import Layout
from meta_experiment.protocol import log_head, places, seal
from meta_experiment.protocol.places import read_whole
from meta_experiment.records import dataclass

_MANUAL, _SERVED = "manual", "served"
_NAME_DIGITS = 16


def checkout_id(layout: Layout, files: FileSystem) -> str:
    """Return the random identity of this checkout, drawn at first use.

    Mixed into seeds, so that not every checkout begins with the same arm, and into seals. It
    lies here under the machine's seal, and in the machine's own folder by the path of the
    root: a commit may replace the one, a checkout that is moved loses the other.

    Raises:
        LockedError: another process draws it for too long. StorageError: the disk refused, or
            there is no home.
    """
    key = machine_key(files)
    known = _known_id(layout, key)
    if known:
        return known
    with FileLock(layout.lock("local"), verb="draw the checkout's identity"):
        known = _known_id(layout, key)
        if known:
            return known
        kept = _kept_id(layout)
        known = seal.checkout_in(_read(kept).encode(), key) or os.urandom(16).hex()
        line = seal.sealed_id(known, key)
        for path in (kept, layout.local_id):
            with _refusals(path):
                ensure_directory(files, path.parent)
                write_atomically(files, path, line)
        return known


def _known_id(layout: Layout, key: bytes) -> str:
    with _refusals(layout.local_id):
        return seal.checkout_in(places.read_own(str(layout.local_id)), key)


def _kept_id(layout: Layout) -> Path:
    """Return the machine's own copy of the identity of the checkout at a root."""
    name = hashlib.sha256(os.fsencode(layout.root)).hexdigest()[:_NAME_DIGITS]
    return Path(places.data_folder(os.environ), "checkouts", name)


def checkout_seal(layout: Layout, files: FileSystem) -> seal.Seal:
    """Return this machine's seal in a checkout; key and identity are drawn where missing.

    Raises:
        LockedError, StorageError: as `checkout_id`.
    """
    return seal.Seal(machine_key(files), checkout_id(layout, files))


def known_seal(layout: Layout) -> seal.Seal:
    """Return this machine's seal in a checkout for a look, which draws nothing.

    Without a key or an identity nothing fits it.

    Raises:
        StorageError: one of them cannot be read.
    """
    with _refusals(layout.local_id):
        return seal.seal_of(os.fspath(layout.root))


def write_sealed(
    layout: Layout, files: FileSystem, path: Path, purpose: str, data: bytes
) -> None:
    """Write a private file that `protocol.seal.read_sealed` believes. Raises StorageError."""
    wrapped = checkout_seal(layout, files).wrap(purpose, data)
    with _refusals(path):
        ensure_directory(files, path.parent)
        write_atomically(files, path, wrapped)


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
    words = f"{_MANUAL if mark.manual else _SERVED} {mark.digest}\n"
    place = layout.started(experiment_id)
    write_sealed(layout, files, place, _purpose(experiment_id), words.encode())


def unmark_started(layout: Layout, files: FileSystem, experiment_id: str) -> None:
    """Forget that this checkout started an experiment. Raises StorageError."""
    path = layout.started(experiment_id)
    with _refusals(path):
        if path.parent.exists():
            files.remove(path)
            files.sync_directory(path.parent)


def read_mark(layout: Layout, experiment_id: str) -> Mark | None:
    """Return how this checkout started an experiment; None when it did not.

    What is not under this machine's seal came with a commit, and says nothing.
    """
    path = layout.started(experiment_id)
    with _refusals(path):
        words = seal.read_sealed(str(layout.root), str(path), _purpose(experiment_id))
    how, _, digest = words.decode("ascii", "replace").strip().partition(" ")
    if how not in (_MANUAL, _SERVED) or not digest:
        return None
    return Mark(how == _MANUAL, digest)


def admit(
    layout: Layout, files: FileSystem, experiment_id: str, writers: Collection[str]
) -> None:
    """Remember who is admitted to an experiment, and nobody else. Raises StorageError."""
    path, own = (
        Path(log_head.admitted_file(os.fspath(layout.root))),
        checkout_seal(layout, files),
    )
    with FileLock(layout.lock("local"), verb="admit a writer"), _refusals(path):
        known = log_head.admitted(os.fspath(layout.root), own)
        known[experiment_id] = set(writers)
        ensure_directory(files, path.parent)
        write_atomically(files, path, log_head.admitted_lines(known, own))


def _purpose(experiment_id: str) -> str:
    return f"started {experiment_id}"


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
