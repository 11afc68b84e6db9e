"""Reading, replacing and deleting the user's prompt files, byte for byte."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from meta_experiment.deploy.change import FileChange, version_of
from meta_experiment.errors import DriftError, NotFoundError, StorageError, as_word
from meta_experiment.files.atomic import TEMPORARY_SUFFIX, abandoned, temporary_beside
from meta_experiment.files.confine import Content, confined, holding_folder, read_confined
from meta_experiment.files.durable import ensure_directory
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.types import FileVersion

_DIRECTORY_MODE = 0o755


def observe(root: Path, path: str) -> Content | None:
    """Return what stands at a path below the root, None where there is no file.

    Raises:
        UnsafePathError: the path leaves the root or leads through a link, or the file has
            further names.
        StorageError: it cannot be read.
    """
    confined(root, path)
    try:
        return read_confined(root, path)
    except NotFoundError:
        return None


def expect(root: Path, change: FileChange) -> Content | None:
    """Return what stands at a change's path, if it may be replaced.

    Raises:
        DriftError: it is neither what is expected nor already what it shall be.
        UnsafePathError: see `observe`.
        StorageError: it cannot be read.
    """
    found = observe(root, change.path)
    if found == change.target or version_of(found) == change.expected:
        return found
    way = "Bring the file back to what it was."
    if None not in (change.expected, change.target):
        way = "Keep the edit with --merge, or bring the file back to what it was."
    raise DriftError(
        f"{change.path} was changed since the experiment last knew it: expected "
        f"{_named(change.expected)}, found {_named(version_of(found))}.",
        hint=way,
    )


def put(files: FileSystem, root: Path, path: str, content: Content | None) -> None:
    """Make a file be these bytes and permission bits (None: no file), durable on return.

    Readers see the old file or the new one. The owner is kept where that is permitted. What
    an earlier attempt left beside the file goes first.

    Raises:
        UnsafePathError: see `observe`.
        StorageError: the file system refused, or gives back something else.
    """
    place = confined(root, path)
    try:
        sweep_temporaries(files, place)
        if content is None:
            with holding_folder(root, path) as within:
                files.remove(place, within=within)
        else:
            ensure_directory(files, place.parent, _DIRECTORY_MODE)
            with holding_folder(root, path) as within:
                _replace(files, place, content, within)
        files.sync_directory(place.parent)
    except OSError as error:
        raise StorageError(
            f"{as_word(path)} could not be written: {error.strerror}.",
            hint="Free space or correct the permissions, then run the same command again.",
        ) from error
    if observe(root, path) != content:
        raise StorageError(
            f"{as_word(path)} does not read back as it was written; something else writes to "
            "it.",
            hint="Close what edits the file, then run the same command again.",
        )


def sweep_folders(files: FileSystem, root: Path, path: str) -> None:
    """Delete the folders that a file left empty, as git does. Raises OSError."""
    for folder in confined(root, path).parents:
        if folder == root:
            return
        with contextlib.suppress(FileNotFoundError):
            if next(folder.iterdir(), None) is not None:
                return
            files.remove_directory(folder)
            files.sync_directory(folder.parent)


def sweep_temporaries(files: FileSystem, place: Path) -> None:
    """Delete what a crash left beside a file while replacing it. Raises OSError."""
    if not place.parent.is_dir():
        return
    with os.scandir(place.parent) as entries:
        names = [entry.name for entry in entries]
    for name in names:
        left = place.with_name(name)
        ours = name.startswith(f".{place.name}.") and name.endswith(TEMPORARY_SUFFIX)
        if ours and abandoned(left):
            files.remove(left)


def _replace(files: FileSystem, place: Path, content: Content, within: int | None) -> None:
    temporary = temporary_beside(place)
    try:
        files.create(temporary, content.data, content.mode, within=within)
        if within is not None:
            _keep_owner(place.name, temporary.name, content.mode, within)
        files.replace(temporary, place, within=within)
    except (OSError, KeyboardInterrupt):
        files.remove(temporary, within=within)
        raise


def _keep_owner(name: str, temporary: str, mode: int, within: int) -> None:
    with contextlib.suppress(FileNotFoundError, PermissionError):
        old, new = (
            os.stat(item, dir_fd=within, follow_symlinks=False) for item in (name, temporary)
        )
        if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
            os.chown(temporary, old.st_uid, old.st_gid, dir_fd=within, follow_symlinks=False)
            os.chmod(temporary, mode, dir_fd=within)  # a change of owner may clear bits


def _named(version: FileVersion | None) -> str:
    if version is None:
        return "no file"
    return f"SHA-256 {version.sha256[:12]}… with mode {version.mode:04o}"
