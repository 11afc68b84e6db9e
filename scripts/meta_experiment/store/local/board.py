"""The board: the rows that `status` prints, kept ready with what they were derived from."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import field
from pathlib import Path
from typing import Any, Self

from meta_experiment.assign.uniform import sha256
from meta_experiment.errors import StorageError
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.durable import ensure_directory
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.protocol.log_head import admitted_file
from meta_experiment.protocol.places import read_whole
from meta_experiment.protocol.seal import Seal
from meta_experiment.records import dataclass
from meta_experiment.store.local.logs import log_sizes
from meta_experiment.store.local.tracked import index_stamp

_VERSION = 4
_PURPOSE = "board"


@dataclass(frozen=True, slots=True)
class BoardEntry:
    """The row of one experiment, as its maker gave it.

    `key` stands for all else the row depends on (the plan, its status); `sources` is the
    revision of the logs that were read for it; `until` is when the clock alone changes it.
    """

    row: Mapping[str, Any]
    key: str
    sources: object
    until: float | None = None


@dataclass(slots=True)
class Board:
    """All rows, and what they were made from. Derived: any doubt empties it.

    `registry` is the revision of the registry; `trust` that of what says whose logs count, and
    `counting` what it said; `archive` that of the archive, which holds so many more.
    """

    registry: object = None
    entries: dict[str, BoardEntry] = field(default_factory=dict)
    trust: list[object] = field(default_factory=list)
    counting: str = ""
    archive: list[object] = field(default_factory=list)
    archived: int = 0

    @classmethod
    def load(cls, layout: Layout, seal: Seal) -> Self:
        """Read the board; an empty one when there is none, or this machine did not write it."""
        try:
            document = json.loads(_unsealed(layout, seal))
            if document["version"] != _VERSION:
                return cls()
            entries = {
                experiment_id: BoardEntry(row, key, sources, until)
                for experiment_id, (row, key, sources, until) in document["entries"].items()
            }
            parts = (document[name] for name in ("trust", "counting", "archive", "archived"))
            return cls(document["registry"], entries, *parts)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls()

    def save(self, layout: Layout, files: FileSystem, seal: Seal) -> None:
        """Write the board in one step.

        Raises:
            StorageError: the disk refused.
        """
        document = {
            "version": _VERSION,
            "registry": self.registry,
            "trust": self.trust,
            "counting": self.counting,
            "archive": self.archive,
            "archived": self.archived,
            "entries": {
                experiment_id: (entry.row, entry.key, entry.sources, entry.until)
                for experiment_id, entry in self.entries.items()
            },
        }
        data = json.dumps(document, separators=(",", ":")).encode()
        try:
            mark = seal.of(_PURPOSE, _digest(data)).encode()
            ensure_directory(files, layout.board.parent)
            write_atomically(files, layout.board, mark + b"\n" + data)
        except OSError as error:
            raise StorageError(
                f"{layout.board} cannot be written: {error.strerror}."
            ) from error

    def registry_unchanged(self, layout: Layout) -> bool:
        """Tell whether the registry is the one the board was made from."""
        return self.registry is not None and self.registry == registry_stamp(layout)

    def trust_unchanged(self, layout: Layout) -> bool:
        """Tell whether the very logs count that counted when the board was made."""
        return self.trust == trust_stamp(layout)

    def put_away(self, layout: Layout) -> int:
        """Return how many experiments the archive holds beside those of the board."""
        if self.archive == archive_stamp(layout):
            return self.archived
        return len(set(layout.archived_ids()) - self.entries.keys())

    def stale(
        self, layout: Layout, keys: Mapping[str, str], resting: AbstractSet[str] = frozenset()
    ) -> set[str]:
        """Return which of these experiments need a new row: new key, or other logs.

        Only directories are read, no log and no registry; none of those at rest.
        """
        return {
            experiment_id
            for experiment_id, key in keys.items()
            if (entry := self.entries.get(experiment_id)) is None or entry.key != key
        } | self._with_new_logs(layout, keys.keys() - resting)

    def outlived(self, now: float) -> set[str]:
        """Return the experiments whose rows have changed by the clock alone."""
        return {
            experiment_id
            for experiment_id, entry in self.entries.items()
            if entry.until is not None and entry.until <= now
        }

    def keys(self) -> dict[str, str]:
        """Return the key of every row."""
        return {experiment_id: entry.key for experiment_id, entry in self.entries.items()}

    def _with_new_logs(self, layout: Layout, wanted: Iterable[str]) -> set[str]:
        base = os.fspath(layout.all_trials)
        return {
            experiment_id
            for experiment_id in wanted
            if (entry := self.entries.get(experiment_id)) is not None
            and entry.sources != log_sizes(f"{base}/{experiment_id}")
        }


def was_made_from(layout: Layout, seal: Seal, registry: list[int]) -> bool:
    """Tell whether the board was made from the registry of a stamp, which was sound then."""
    head = json.dumps({"version": _VERSION, "registry": registry}, separators=(",", ":"))
    try:
        return _unsealed(layout, seal).startswith(head.removesuffix("}").encode())
    except OSError:
        return False


def _unsealed(layout: Layout, seal: Seal) -> bytes:
    """Return what the file of the board holds; nothing when this machine did not write it."""
    mark, _, data = read_whole(layout.board).partition(b"\n")
    fits = seal.fits(mark.decode("ascii", "replace"), _PURPOSE, _digest(data))
    return data if fits else b""


def _digest(data: bytes) -> bytes:
    return bytes(sha256(data).digest())


def trust_stamp(layout: Layout) -> list[object]:
    """Return what changes whenever other logs may count: what git tracks, who is admitted."""
    admitted = Path(admitted_file(os.fspath(layout.root)))
    try:
        return [*index_stamp(layout), *_stamp(admitted)]
    except OSError:
        return []


def archive_stamp(layout: Layout) -> list[object]:
    """Return what changes whenever an experiment is put away or taken out of the archive."""
    return _stamp(layout.archive)


def _stamp(path: Path) -> list[object]:
    try:
        status = path.lstat()
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns, status.st_ino]


def registry_stamp(layout: Layout) -> list[int]:
    """Return what changes whenever the registry does; take it before reading the registry.

    Raises:
        StorageError: the registry cannot be examined.
    """
    try:
        status = layout.registry.stat()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(f"{layout.registry} cannot be read: {error.strerror}.") from error
    return [status.st_size, status.st_mtime_ns, status.st_ino]
