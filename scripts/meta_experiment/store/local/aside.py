"""Damaged lines of logs: copied aside once, and known from then on.

A log is evidence and never rewritten. A line that cannot be used stays where it is; its copy
and its SHA-256 are kept in `local/aside/<id>.jsonl`, so that `verify` can tell a line that
was looked at from one that became damaged since.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from meta_experiment.errors import StorageError
from meta_experiment.files.durable import append_lines
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.records import dataclass
from meta_experiment.store.fold.lines import UnusableLine
from meta_experiment.store.local.line_files import Cursor, read_objects
from meta_experiment.store.trial_log import WHOLE_SOURCE, DamagedLine

_CHUNK = 256 * 1024
_COPIED = 64 * 1024  # bytes kept of a line
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True, slots=True)
class RawLine:
    """Line as it stands in a log: its number, length and hash, and how it begins."""

    number: int
    size: int
    sha256: str
    head: bytes


def raw_lines(path: Path, numbers: Collection[int]) -> Iterator[RawLine]:
    """Yield these lines (counted from 1) of a file in bounded memory, whatever their length.

    Raises:
        StorageError: the file cannot be read.
    """
    try:
        with os.fdopen(os.open(path, _FLAGS), "rb", buffering=0) as stream:
            yield from _wanted(iter(lambda: stream.read(_CHUNK) or b"", b""), numbers)
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error


def known_lines(layout: Layout, experiment_id: str) -> set[tuple[str, int, str]]:
    """Return file, number and SHA-256 of the damaged lines that were put aside before."""
    path = place(layout, experiment_id)
    found: set[tuple[str, int, str]] = set()
    if not path.exists():
        return found
    for values in read_objects(path, Cursor()):
        for value in values:
            if isinstance(value, UnusableLine) or not isinstance(value, dict):
                continue
            file, number, digest = (value.get(key) for key in ("file", "line", "sha256"))
            if type(file) is str and type(number) is int and type(digest) is str:
                found.add((file, number, digest))
    return found


def unknown_lines(
    layout: Layout, experiment_id: str, damaged: Sequence[DamagedLine]
) -> Iterator[tuple[DamagedLine, RawLine]]:
    """Yield the damaged lines that were not put aside yet, each with its bytes.

    Raises:
        StorageError: a log cannot be read.
    """
    known = known_lines(layout, experiment_id)
    by_file: dict[str, dict[int, DamagedLine]] = {}
    for item in damaged:
        if item.line_number == WHOLE_SOURCE:
            continue
        by_file.setdefault(item.source, {})[item.line_number] = item
    for file, items in by_file.items():
        for line in raw_lines(layout.trials(experiment_id) / file, items.keys()):
            if (file, line.number, line.sha256) not in known:
                yield items[line.number], line


def put_aside(
    layout: Layout,
    files: FileSystem,
    experiment_id: str,
    found: Sequence[tuple[DamagedLine, RawLine]],
) -> Path:
    """Copy damaged lines aside, durable on return, and say where.

    Raises:
        StorageError: the disk refused.
    """
    path = place(layout, experiment_id)
    lines = b"".join(_encode(item, line) for item, line in found)
    try:
        append_lines(files, path, lines)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}.") from error
    return path


def place(layout: Layout, experiment_id: str) -> Path:
    """Return where the damaged lines of an experiment are kept."""
    return layout.aside / layout.history(experiment_id).name


def _encode(item: DamagedLine, line: RawLine) -> bytes:
    document = {
        "file": item.source,
        "line": item.line_number,
        "reason": item.reason,
        "bytes": line.size,
        "sha256": line.sha256,
        "text": line.head.decode("utf-8", "backslashreplace"),
    }
    return json.dumps(document).encode() + b"\n"


def _wanted(chunks: Iterator[bytes], numbers: Collection[int]) -> Iterator[RawLine]:
    number, size, digest, head = 1, 0, hashlib.sha256(), b""
    last = max(numbers, default=0)
    for chunk in chunks:
        start = 0
        while start <= len(chunk):
            end = chunk.find(b"\n", start)
            part = chunk[start : end if end >= 0 else len(chunk)]
            if number in numbers:
                size += len(part)
                digest.update(part)
                head += part[: _COPIED - len(head)]
            if end < 0:
                break
            if number in numbers:
                yield RawLine(number, size, digest.hexdigest(), head)
                size, digest, head = 0, hashlib.sha256(), b""
            number, start = number + 1, end + 1
        if number > last:
            return
