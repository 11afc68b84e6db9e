"""Git's instructions for the folder: what it is not to see, and how to treat what it does see.

Each private folder holds an ignore file of its own (`protocol.disk.make_folder` makes both), as
the one around them belongs to a branch; here it is put back where it is missing.
"""

from __future__ import annotations

from pathlib import Path

from meta_experiment.errors import StorageError
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.durable import ensure_directory
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.protocol.disk import IGNORE_ALL, IGNORE_FILE
from meta_experiment.protocol.places import PRIVATE, read_bytes

_PRIVATE = (
    *(f"{name}/" for name in PRIVATE),
    "active.idx",
    "board.json",  # of an older version; it is in `local/` now
)
PRIVATE_PATHS = tuple(f".claude/meta/{name}" for name in _PRIVATE)
IGNORED = (*(f"/{name}" for name in _PRIVATE), "*.meta-tmp")
ATTRIBUTES = (
    # variants are exact bytes: no conversion of line ends, keywords or encodings
    "/variants/** -text -ident -filter -working-tree-encoding",
    # every line stands for itself, so that both sides of a merge are kept
    "/history/*.jsonl merge=union",
)
_ALL = (IGNORE_ALL.decode().strip(),)
_FILE_MODE = 0o644


def ensure_ignored(layout: Layout, files: FileSystem) -> None:
    """Write these files, or add the lines they lack; lines of the user's own stay.

    Raises:
        StorageError: the disk refused.
    """
    for path, lines in _wanted(layout).items():
        _ensure_lines(files, path, lines)


def lacking(layout: Layout) -> list[Path]:
    """Return the files that are missing or lack a line by which git ignores what is private.

    Raises OSError.
    """
    return [
        path
        for path, lines in _wanted(layout).items()
        if path != layout.gitattributes and missing_lines(read_bytes(str(path)), lines)
    ]


def _wanted(layout: Layout) -> dict[Path, tuple[str, ...]]:
    """Return what each file must say, by its path."""
    folders = [layout.meta / name for name in PRIVATE]
    return {
        layout.gitignore: IGNORED,
        layout.gitattributes: ATTRIBUTES,
        **{folder / IGNORE_FILE: _ALL for folder in folders if folder.is_dir()},
    }


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
