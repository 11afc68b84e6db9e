"""The other roots of a repository, so that an experiment in one is not missed in another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from meta_experiment.errors import as_word
from meta_experiment.files.roots import Layout, git_top
from meta_experiment.protocol import places

if TYPE_CHECKING:  # where others are only looked for, starting fast matters
    from meta_experiment.files.filesystem import FileSystem


def note_nested(layout: Layout, files: FileSystem) -> None:
    """Remember, on this machine, a root that lies within a repository and is not its top.

    Raises:
        OSError: the disk refused. LockedError: another process holds the list for too long.
    """
    listed = _listed()
    if listed is None or git_top(layout.root) in (None, layout.root):
        return
    if str(layout.root) in _known(listed) or "\n" in str(layout.root):
        return
    from meta_experiment.files.atomic import write_atomically
    from meta_experiment.files.durable import ensure_directory
    from meta_experiment.files.lock import FileLock

    ensure_directory(files, listed.parent)
    with FileLock(listed.with_name("nested.lock"), verb="remember a root"):
        kept = [path for path in _known(listed) if Path(path).is_dir()]
        text = "".join(f"{path}\n" for path in dict.fromkeys([*kept, str(layout.root)]))
        write_atomically(files, listed, text.encode("utf-8", "surrogateescape"))


def neighbour_notes(layout: Layout) -> list[str]:
    """Name the other roots of this repository that have experiments, and how to see them."""
    try:
        return [_note(root) for root in _others(layout.root)]
    except OSError:
        return []  # it is said in passing


def _note(root: Path) -> str:
    import shlex

    from meta_experiment.protocol import index

    running = sum(entry.running for entry in index.entries(str(root)))
    at_work = f", {running:,} running" if running else ""
    shown = as_word(str(root), 4_096)  # whatever somebody called a folder
    return (
        f"{shown} has experiments of its own{at_work}. See: meta-experiment status "
        f"--root {shlex.quote(str(root))}"
    )


def _others(root: Path) -> Iterator[Path]:
    top = git_top(root)
    if top is None:
        return
    around = [folder for folder in root.parents if folder.is_relative_to(top)]
    listed = _listed()
    known = map(Path, _known(listed) if listed is not None else ())
    for other in dict.fromkeys((*around, *sorted(known))):
        if other != root and git_top(other) == top and Layout(other).registry.is_file():
            yield other


def _listed() -> Path | None:
    data = places.data_folder(os.environ)
    return Path(data, "nested") if data else None


def _known(listed: Path) -> list[str]:
    return [line for line in places.read_text(str(listed)).split("\n") if line]
