"""Files that git ignores and a run needs all the same, kept as they stand and laid out again.

They are what `.worktreeinclude` at the top matches (written as `.gitignore` is), as other tools
that make checkouts have it, and the project's own `.claude` where that is ignored, but for
what is of one person or of one checkout.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from meta_experiment.git import Git
from meta_experiment.runs.plumbing import demand

LIST = ".worktreeinclude"
_CLIENT = ".claude"
_NOT_SHARED = ("meta/", "worktrees/", "settings.local.json", "scheduled_tasks")


def keep(git: Git, top: Path, prefix: str, folder: Path) -> None:
    """Copy these files of a working tree into a folder. Raises GitError, OSError."""
    folder.mkdir()
    for name in sorted({*_listed(git, top), *_of_client(git, prefix)}):
        _copy(top / name, folder, name)


def lay_out(folder: Path, top: Path) -> None:
    """Copy the kept files into a checkout, where nothing is in their place. Raises OSError."""
    for around, _, names in os.walk(folder):
        for name in names:
            path = Path(around, name)
            _copy(path, top, path.relative_to(folder).as_posix())


def _listed(git: Git, top: Path) -> Iterator[str]:
    if (top / LIST).is_file():
        ignored = set(_untracked(git, "--exclude-standard"))
        yield from ignored.intersection(_untracked(git, f"--exclude-from={LIST}"))


def _of_client(git: Git, prefix: str) -> Iterator[str]:
    folder = f"{prefix}{_CLIENT}"
    if not (git.directory / folder).is_dir():
        return
    for name in _untracked(git, "--exclude-standard", "--", folder):
        if not name.removeprefix(f"{folder}/").startswith(_NOT_SHARED):
            yield name


def _untracked(git: Git, *excluded: str) -> Iterator[str]:
    """Yield the files that are ignored by some lists; a repository within is none."""
    listed = demand(git, "ls-files", "-z", "--others", "--ignored", *excluded).split(b"\0")
    return (os.fsdecode(name) for name in listed if name and name[-1:] != b"/")


def _copy(source: Path, top: Path, name: str) -> None:
    """Copy a file or a link to its place, unless something is there or leads elsewhere."""
    place = top
    for part in name.split("/")[:-1]:
        place /= part
        with suppress(FileExistsError):
            place.mkdir()
        if place.is_symlink() or not place.is_dir():
            return
    target = top / name
    regular = source.is_symlink() or source.is_file()
    if regular and not os.path.lexists(target):
        shutil.copy2(source, target, follow_symlinks=False)
