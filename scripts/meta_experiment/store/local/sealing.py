"""The identity of a checkout, the key of the machine, and the seal that both make."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from meta_experiment.assign.uniform import sha256
from meta_experiment.errors import StorageError
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.durable import ensure_directory
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.lock import FileLock
from meta_experiment.files.roots import Layout
from meta_experiment.protocol import places, seal
from meta_experiment.protocol.places import read_whole

_NAME_DIGITS = 16
_SECRET_DIGITS = 64


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
            with refusals(path):
                ensure_directory(files, path.parent)
                write_atomically(files, path, line)
        return known


def _known_id(layout: Layout, key: bytes) -> str:
    with refusals(layout.local_id):
        return seal.checkout_in(places.read_own(str(layout.local_id)), key)


def _kept_id(layout: Layout) -> Path:
    """Return the machine's own copy of the identity of the checkout at a root."""
    name = sha256(os.fsencode(layout.root)).hexdigest()[:_NAME_DIGITS]
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
    with refusals(layout.local_id):
        return seal.seal_of(os.fspath(layout.root))


def write_sealed(
    layout: Layout, files: FileSystem, path: Path, purpose: str, data: bytes
) -> None:
    """Write a private file that `protocol.seal.read_sealed` believes. Raises StorageError."""
    wrapped = checkout_seal(layout, files).wrap(purpose, data)
    with refusals(path):
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
    return drawn_secret(files, Path(seal.key_file(data)), "draw the machine's key")


def drawn_secret(files: FileSystem, path: Path, verb: str) -> bytes:
    """Return the 32 random bytes, as hex digits, that a private file of this machine holds.

    They are drawn at first use; of two processes at once both get the same.

    Raises:
        LockedError: another process draws them for too long. StorageError: the disk refused.
    """
    with refusals(path):
        known = _secret(path)
    if known:
        return known
    with FileLock(path.with_name(f"{path.name}.lock"), verb=verb), refusals(path):
        known = _secret(path)
        if not known:
            known = os.urandom(32).hex().encode()
            write_atomically(files, path, known + b"\n")
        return known


def _secret(path: Path) -> bytes:
    return places.read_bytes(str(path)).strip()[:_SECRET_DIGITS]


def _read(path: Path) -> str:
    with refusals(path):
        try:
            return read_whole(path).decode("ascii", "replace").strip()
        except FileNotFoundError:
            return ""


@contextmanager
def refusals(path: Path) -> Iterator[None]:
    """Tell of what the disk refuses at a path as StorageError."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"{path} is out of reach: {error.strerror}.") from error
