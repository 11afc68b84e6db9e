"""Where replays lie, and which of them are over.

KEY/N/             the n-th replay of a session in one way: a folder of runs, its turns
KEY/N/finished     nothing of it goes on any more
KEY/N/capped       it rests at a cap, and goes on when the same call allows more
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.lock import FileLock
from meta_experiment.runs import supervising
from meta_experiment.runs.checkouts import remove_slots
from meta_experiment.runs.run_folder import RunFolder
from meta_experiment.services.kept_outside import REPLAYS, kept_outside
from meta_experiment.services.workspace import Workspace

_FINISHED, _CAPPED = "finished", "capped"


def newest(root: Path, files: FileSystem) -> RunFolder | None:
    """Return the last replay of a key, if it is not over."""
    number = max(_numbers(root), default=0)
    folder = root / str(number)
    return RunFolder(folder, files) if number and not (folder / _FINISHED).exists() else None


def following(root: Path, files: FileSystem) -> RunFolder:
    """Return the folder of the next replay of a key, which is made."""
    folder = root / str(max(_numbers(root), default=0) + 1)
    files.make_directory(folder)
    return RunFolder(folder, files)


def end_replay(folder: RunFolder) -> None:
    """End what goes on of a replay, and take its checkout away. Raises StorageError."""
    for path in folder.unread():
        supervising.end(path)
    remove_slots(folder.slots)
    folder.files.append(folder.folder / _FINISHED, b"")


def rest(folder: RunFolder) -> None:
    """Note that a replay rests at a cap. Raises OSError."""
    folder.files.append(folder.folder / _CAPPED, b"")


def wake(folder: RunFolder) -> None:
    """Note that a replay goes on. Raises OSError."""
    with suppress(FileNotFoundError):
        folder.files.remove(folder.folder / _CAPPED)


def clear_replays(workspace: Workspace) -> Iterator[str]:
    """End the replays that nobody sees to their end any more, and say so.

    One that rests at its cap is kept: whoever set that may raise it.
    """
    root = kept_outside(workspace, REPLAYS)
    for path in sorted(root.iterdir()) if root is not None and root.is_dir() else ():
        folder, lock = newest(path, workspace.files), FileLock(path / "lock", verb="recover")
        if folder is None or not lock.try_acquire():
            continue
        try:
            if (folder.folder / _CAPPED).exists():
                yield (
                    f"The replay {path.name} ended at its cap, and is kept: "
                    "the same call with a higher one goes on."
                )
                continue
            end_replay(folder)
            yield f"The replay {path.name}, which was cut off, is ended."
        finally:
            lock.release()


def _numbers(root: Path) -> list[int]:
    return [int(path.name) for path in root.iterdir() if path.name.isdecimal()]
