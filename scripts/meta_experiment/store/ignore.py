"""What git is not to see of the folder, and how it is to treat what it does see."""

from __future__ import annotations

from pathlib import Path

from meta_experiment.errors import StorageError
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.durable import ensure_directory
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout

IGNORED = (
    "/trials/",
    "/summaries/",
    "/active.idx",
    "/board.json",
    "/journal/",
    "/backups/",
    "/locks/",
    "/local/",
    "*.meta-tmp",
)
ATTRIBUTES = (
    # variants are exact bytes: no conversion of line ends, keywords or encodings
    "/variants/** -text -ident -filter -working-tree-encoding",
    # every line stands for itself, so that both sides of a merge are kept
    "/history/*.jsonl merge=union",
)
_FILE_MODE = 0o644


def ensure_ignored(layout: Layout, files: FileSystem) -> None:
    """Write both files, or add the lines they lack; lines of the user's own stay.

    Raises:
        StorageError: the disk refused.
    """
    _ensure_lines(files, layout.gitignore, IGNORED)
    _ensure_lines(files, layout.gitattributes, ATTRIBUTES)


def missing_lines(present: bytes, wanted: tuple[str, ...]) -> list[str]:
    """Return the lines that a file lacks or that a later `!` may take back: the last holds."""
    lines = [line.rstrip(" \r") for line in present.decode("utf-8", "replace").split("\n")]
    taken_back = max((n for n, line in enumerate(lines) if line.startswith("!")), default=-1)
    return [line for line in wanted if line not in lines[taken_back + 1 :]]


def _ensure_lines(files: FileSystem, path: Path, wanted: tuple[str, ...]) -> None:
    try:
        present = files.read(path) if path.exists() else b""
        missing = missing_lines(present, wanted)
        if not missing:
            return
        gap = b"\n" if present and not present.endswith(b"\n") else b""
        mode = files.mode(path) if path.exists() else _FILE_MODE
        ensure_directory(files, path.parent)
        text = "\n".join(missing) + "\n"
        write_atomically(files, path, present + gap + text.encode(), mode)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}.") from error
