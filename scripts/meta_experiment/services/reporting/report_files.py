"""Reports as files, where somebody asked for them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from meta_experiment.errors import NotFoundError, RefusedError, StorageError, as_word
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.filesystem import FileSystem

_MARKS = (b'name="generator" content="meta-experiment"', b'data-made-by="meta-experiment"')
_FIRST = b"<!-- meta-experiment report "  # of Markdown, which others may hold further down
_HEAD = 2_000  # bytes of a page or a picture in which its mark stands


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
            write_atomically(files, path, text.encode("utf-8"), _mode(files, path))
        except OSError as error:
            raise StorageError(f"{path} cannot be written: {error.strerror}.") from error


def require_folder(folder: Path) -> None:
    """Make a folder for pages where there is none; only itself, as a path may be mistyped.

    Raises:
        NotFoundError: nor is there one to make it in. RefusedError: it is something else.
        StorageError: it cannot be made.
    """
    if folder.is_dir():
        return
    if os.path.lexists(folder):
        raise RefusedError(f"{folder} is no folder.", hint="Name a folder for the index.")
    if not folder.parent.is_dir():
        raise _nowhere(folder.parent, folder.name)
    try:
        folder.mkdir()
    except OSError as error:
        raise StorageError(f"{folder} cannot be made: {error.strerror}.") from error


def pages_in(folder: Path, names: Iterable[str]) -> frozenset[str]:
    """Return which of these experiments have a page in a folder, called by their ids."""
    return frozenset(
        name for name in names if may_be_page(name) and _is_own(folder / f"{name}.html")
    )


def may_be_page(name: str) -> bool:
    """Say whether a page may be called so: an id from elsewhere may be that of the index."""
    return name.lower() != "index"


def stamped(page: str, digest: str) -> str:
    """Return a page with the digest of what it was made from, behind its end."""
    return f"{page}{_stamp(digest)}"


def is_made_from(path: Path, digest: str) -> bool:
    """Tell whether a page lies there that was made from the same."""
    mark = _stamp(digest).encode()
    try:
        with path.open("rb") as file:
            file.seek(-len(mark), os.SEEK_END)
            return file.read() == mark
    except OSError:
        return False


def _stamp(digest: str) -> str:
    return f"<!-- made from {digest} -->\n"


def _is_own(path: Path) -> bool:
    """Tell whether this program wrote what lies at a path. Raises StorageError."""
    if not path.is_file() or path.is_symlink():
        return False
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error
    return head.startswith(_FIRST) or any(mark in head for mark in _MARKS)


def _mode(files: FileSystem, path: Path) -> int:
    """Return who may read a page: as before, or of a new one as of any file of the user's."""
    if path.exists():
        return files.mode(path)
    mask = os.umask(0o077)  # it can be read by setting it alone; meanwhile too strict at worst
    os.umask(mask)
    return 0o666 & ~mask


def _nowhere(folder: Path, name: str) -> NotFoundError:
    return NotFoundError(
        f"There is no folder {folder} to write {name} into.",
        hint=f"mkdir -p {as_word(str(folder))}",
    )


def _require_own(path: Path) -> None:
    """Refuse to replace what somebody else has written; an empty file is nobody's."""
    if not path.parent.is_dir():
        raise _nowhere(path.parent, path.name)
    if os.path.lexists(path) and not _is_own(path) and not _is_empty(path):
        raise RefusedError(
            f"{path} is there already, and is no report.", hint="Name another file."
        )


def _is_empty(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and path.stat().st_size == 0
