"""Reports as files, where somebody asked for them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from meta_experiment.errors import NotFoundError, RefusedError, StorageError
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.filesystem import FileSystem

_MARK = b'name="generator" content="meta-experiment"'
_HEAD = 2_000  # bytes of a page in which its mark stands


def write_pages(files: FileSystem, pages: Mapping[Path, str]) -> None:
    """Write pages, each whole or not at all; one that was written before is replaced.

    Raises:
        NotFoundError: there is no folder for one. RefusedError: something else stands there.
        StorageError: one cannot be written.
    """
    for path in pages:
        _require_own(path)
    for path, text in pages.items():
        try:
            write_atomically(files, path, text.encode("utf-8"))
        except OSError as error:
            raise StorageError(f"{path} cannot be written: {error.strerror}.") from error


def pages_in(folder: Path, names: Iterable[str]) -> frozenset[str]:
    """Return which of these experiments have a page in a folder, called by their ids."""
    return frozenset(name for name in names if (folder / f"{name}.html").is_file())


def _require_own(path: Path) -> None:
    """Refuse to replace what is no page of this program."""
    if not path.parent.is_dir():
        raise NotFoundError(f"There is no folder {path.parent} to write {path.name} into.")
    if not os.path.lexists(path):
        return
    try:
        own = path.is_file() and not path.is_symlink() and _MARK in path.read_bytes()[:_HEAD]
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error
    if not own:
        raise RefusedError(
            f"{path} is there already, and is no report.", hint="Name another file."
        )
