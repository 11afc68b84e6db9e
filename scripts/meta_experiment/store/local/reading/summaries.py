"""Remembering what was folded, so that a later look reads only what was added since.

A summary is derived: whenever anything about it or the logs is in doubt, it is left aside
and the logs are folded from their beginning. It is this machine's seal on a line of JSON, the
line, and the columns as they lie in memory, of which the line holds the digest.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from meta_experiment.assign.uniform import sha256
from meta_experiment.errors import MetaExperimentError, StorageError
from meta_experiment.files.atomic import temporary_beside
from meta_experiment.files.durable import ensure_directory
from meta_experiment.files.filesystem import OWN_FLAGS, FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.protocol.seal import DIGITS, Seal
from meta_experiment.store.fold.fold import Fold
from meta_experiment.store.fold.names import NamePool
from meta_experiment.store.fold.trial_columns import Columns
from meta_experiment.store.local.checksums import BLOCK, checksums, first_change, some_blocks
from meta_experiment.store.local.counting import Counting, Log
from meta_experiment.store.local.line_files import Cursor
from meta_experiment.store.local.reading.trials import Reading
from meta_experiment.store.trial_log import DamagedLine, TrialLog
from meta_experiment.types import Metric

WORTHWHILE = 64 * 1024  # bytes of log; less is read again faster than it is remembered
_VERSION = 8
_MUCH = 4 * 1024 * 1024  # bytes
_SPELLED = 256 * 1024 * 1024  # bytes of a header, at most
_FIXED = (
    "position_of",
    "unit",
    "variant",
    "fingerprint",
    "draw",
    "status",
    "progress",
    "assigned_at",
    "closed_at",
)


class DoubtError(Exception):
    """The summary does not fit the logs or this program."""


def load_trials(
    layout: Layout,
    files: FileSystem,
    counting: Counting,
    experiment_id: str,
    named: Iterable[Metric] = (),
) -> TrialLog:
    """Read the trials of an experiment as `read_trials` does, only the new lines if possible.

    A summary that cannot be written is no failure: the trials have been read.

    Raises:
        CorruptStoreError: a log is no regular file. StorageError: one cannot be read.
    """
    return load_reading(layout, files, counting, experiment_id, named).log()


def load_reading(
    layout: Layout,
    files: FileSystem,
    counting: Counting,
    experiment_id: str,
    named: Iterable[Metric],
) -> Reading:
    """Read as `load_trials` does, and give the fold with what was read.

    Raises:
        CorruptStoreError: a log is no regular file. StorageError: one cannot be read.
    """
    folder = layout.trials(experiment_id)
    path = layout.summaries(experiment_id)
    logs = counting.logs(folder)
    reading = _remembered(path, folder, logs, counting.seal)
    reading.read(folder, logs, named)
    if not reading.settled:
        reading = Reading()
        reading.read(folder, logs, named)
    if reading.bytes_read >= WORTHWHILE:
        _remember(files, path, folder, reading, counting.seal)
    return reading


def log_checksums(layout: Layout, seal: Seal, experiment_id: str) -> dict[str, int | None]:
    """Check every byte of the logs that were folded before against what they were then.

    Returns by file where it differs first, in bytes, None where it does not; empty when
    nothing is remembered. It must be asked before anything folds the logs again.

    Raises:
        StorageError: a log cannot be read.
    """
    folder, path = layout.trials(experiment_id), layout.summaries(experiment_id)
    try:
        with _opened(path) as stream:
            covered = _header(stream, _purpose(path), seal)["files"]
    except (DoubtError, OSError, ValueError, KeyError, RecursionError):
        return {}
    return {
        name: _changed(folder / name, offset, sums)
        for name, (offset, _, _, sums) in covered.items()
    }


def _changed(path: Path, offset: int, sums: list[int]) -> int | None:
    try:
        if path.stat(follow_symlinks=False).st_size < offset:
            return path.stat(follow_symlinks=False).st_size
        return first_change(path, offset, sums)
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error


def _remembered(path: Path, folder: Path, logs: Mapping[str, Log], seal: Seal) -> Reading:
    try:
        with _opened(path) as stream:
            header = _header(stream, _purpose(path), seal)
            require_same_logs(header["files"], folder, logs)
            return _load(stream, header)
    except FileNotFoundError:
        return Reading()
    except (
        DoubtError,
        OSError,
        ValueError,
        KeyError,
        TypeError,
        EOFError,
        MetaExperimentError,
    ):
        return Reading()


def _remember(
    files: FileSystem, path: Path, folder: Path, reading: Reading, seal: Seal
) -> None:
    """Write the summary piece by piece: joining the pieces would double the memory."""
    temporary = temporary_beside(path)
    try:
        ensure_directory(files, path.parent)
        pieces = _pieces(reading.fold.columns)
        header = _encode(folder, reading, pieces)
        files.create(temporary, seal.wrap(_purpose(path), header))
        for piece in pieces:
            files.append(temporary, piece, durable=False)
        files.sync_file(temporary)
        files.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            files.remove(temporary)


def _encode(folder: Path, reading: Reading, pieces: list[memoryview]) -> bytes:
    fold, columns = reading.fold, reading.fold.columns
    header = {
        **_platform(),
        "files": covered(folder, reading),
        "texts": [len(pool.text) for pool in _pools(columns)],
        "arrays": [[item.typecode, len(item)] for item in _arrays(columns)],
        "metrics": list(columns.metrics),
        "variants": list(columns.variants),
        "fingerprints": list(columns.fingerprints),
        "draws": list(columns.draws),
        "excluded": [[row, *known] for row, known in columns.excluded.items()],
        "unit_at": list(columns.unit_at.items()),
        "late": [[*key, at] for key, at in columns.late.items()],
        "positions": columns.positions,
        "set_aside": fold.set_aside,
        "set_aside_count": fold.set_aside_count,
        "disputed": list(fold.disputed),
        "digest": _digest(pieces),
    }
    return json.dumps(header).encode() + b"\n"


def covered(folder: Path, reading: Reading) -> dict[str, Any]:
    """Return by log what was folded of it, and what tells whether it is still the same.

    That is bytes, lines, a mark of the file and checksums of its blocks. Raises OSError.
    """
    return {
        name: [
            cursor.offset,
            cursor.lines,
            list(_mark(folder / name)[1:]),
            checksums(folder / name, cursor.offset, reading.checksums.get(name, ())),
        ]
        for name, cursor in reading.cursors.items()
    }


def whole_blocks(known: Mapping[str, Any]) -> dict[str, list[int]]:
    """Return the checksums of what is covered that no append changes any more."""
    return {name: sums[: offset // BLOCK] for name, (offset, _, _, sums) in known.items()}


def _pieces(columns: Columns) -> list[memoryview]:
    """Return all that is not in the header, as it lies in memory."""
    arrays = (memoryview(item).cast("B") for item in _arrays(columns))
    return [*(memoryview(pool.text) for pool in _pools(columns)), *arrays]


def _opened(path: Path) -> BinaryIO:
    """Open a summary; what is no regular file keeps nobody waiting. Raises OSError."""
    stream = os.fdopen(os.open(path, OWN_FLAGS | os.O_RDONLY), "rb")
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise DoubtError
    return stream


def _digest(pieces: Sequence[memoryview]) -> str:
    if sum(piece.nbytes for piece in pieces) < _MUCH:
        digest = sha256()
    else:  # OpenSSL takes longer to load than it saves on less
        import hashlib

        digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return str(digest.hexdigest())


def _purpose(path: Path) -> str:
    return f"summary {path.name}"


def _header(stream: BinaryIO, purpose: str, seal: Seal) -> dict[str, Any]:
    wrapped = stream.readline(DIGITS + 1) + stream.readline(_SPELLED)
    data = seal.unwrap(purpose, wrapped)
    if data is None:
        raise DoubtError
    header = json.loads(data)
    if not isinstance(header, dict) or any(
        header.get(key) != value for key, value in _platform().items()
    ):
        raise DoubtError
    return header


def _load(stream: BinaryIO, header: dict[str, Any]) -> Reading:
    texts = [bytearray(stream.read(length)) for length in header["texts"]]
    arrays = []
    for typecode, length in header["arrays"]:
        item: array[Any] = array(typecode)
        item.fromfile(stream, length)
        arrays.append(item)
    pieces = [memoryview(text) for text in texts]
    pieces += [memoryview(item).cast("B") for item in arrays]
    if _digest(pieces) != header["digest"] or stream.read(1):
        raise DoubtError
    columns, items = Columns(), iter(arrays)
    columns.trials, columns.units = (NamePool.restored(text, items) for text in texts)
    for name in _FIXED:
        setattr(columns, name, next(items))
    columns.metrics = dict(zip(header["metrics"], items, strict=True))
    columns.variants = {name: code for code, name in enumerate(header["variants"])}
    columns.fingerprints = {
        tuple((key, value) for key, value in pairs): code
        for code, pairs in enumerate(header["fingerprints"])
    }
    columns.draws = {text: code for code, text in enumerate(header["draws"])}
    columns.excluded = {row: (at, reason) for row, at, reason in header["excluded"]}
    columns.unit_at = dict(header["unit_at"])
    columns.late = {(row, name): at for row, name, at in header["late"]}
    columns.positions = header["positions"]
    fold = Fold(columns)
    fold.set_aside = [DamagedLine(*item) for item in header["set_aside"]]
    fold.set_aside_count = header["set_aside_count"]
    fold.disputed = {(row, what) for row, what in header["disputed"]}
    cursors = {
        name: Cursor(offset, lines) for name, (offset, lines, *_) in header["files"].items()
    }
    return Reading(fold, cursors, whole_blocks(header["files"]))


def _arrays(columns: Columns) -> list[array[Any]]:
    pools = (item for pool in _pools(columns) for item in pool.arrays())
    fixed = (getattr(columns, name) for name in _FIXED)
    return list(chain(pools, fixed, columns.metrics.values()))


def _pools(columns: Columns) -> list[NamePool]:
    return [columns.trials, columns.units]


def _platform() -> dict[str, object]:
    return {
        "version": _VERSION,
        "byteorder": sys.byteorder,
        "widths": [array(code).itemsize for code in "QIHBid"],
    }


def require_same_logs(known: dict[str, Any], folder: Path, logs: Mapping[str, Log]) -> None:
    """Doubt the summary when a log that it covers is gone, shorter or another than it was.

    One that does not count any more is as good as gone.
    """
    for name, (offset, _, mark, sums) in known.items():
        path = folder / name
        if name not in logs or not logs[name].counts:
            raise DoubtError
        size, *present = _mark(path)
        if size < offset or present[0] != mark[0]:
            raise DoubtError
        if size == offset and present == mark:
            continue
        if first_change(path, offset, sums, some_blocks(len(sums))) is not None:
            raise DoubtError


def _mark(path: Path) -> tuple[int, int, int, int]:
    """Return size, inode, and the times of change of content and of anything."""
    status = path.stat(follow_symlinks=False)
    return status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns
