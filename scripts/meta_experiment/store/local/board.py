"""The board: the rows that `status` prints, kept ready with what they were derived from.

Its file has three lines: the seal of the second; what the rows were made from, and their
digest; the rows, which are read only where somebody looks at them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import field
from pathlib import Path
from typing import Any, Self

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

try:
    from _blake2 import blake2b  # without OpenSSL, which takes longer to load than rows to read
except ImportError:
    from hashlib import blake2b

_VERSION = 16
_PURPOSE = "board"
_PARTS = (
    "trust",
    "counting",
    "archive",
    "archived",
    "plans",
    "plan_files",
    "open_ends",
    "learnings",
    "saved",
    "chance",
)
_PLAN_ENDINGS = (".yaml", ".yml", ".json")


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
    `plans` are the rows of plan files, and `plan_files` the revision of these; `open_ends` what
    entries of `learnings.md` leave to be done, and `learnings` the revision of that. `saved` is
    what promotions save a month, and `chance` how many of them it may have made.
    """

    registry: object = None
    entries: dict[str, BoardEntry] = field(default_factory=dict)
    trust: list[object] = field(default_factory=list)
    counting: str = ""
    archive: list[object] = field(default_factory=list)
    archived: int = 0
    plans: Sequence[Mapping[str, Any]] = field(default=())
    plan_files: list[object] = field(default_factory=list)
    open_ends: Sequence[Mapping[str, Any]] = ()
    learnings: list[object] = field(default_factory=list)
    saved: Mapping[str, Any] | None = None
    chance: Mapping[str, Any] | None = None

    @classmethod
    def load(cls, layout: Layout, seal: Seal) -> Self:
        """Read the board; an empty one when there is none, or this machine did not write it."""
        try:
            head, rows = _unsealed(layout, seal)
            if head["version"] != _VERSION or head["rows"] != _digest(rows):
                return cls()
            entries = {
                experiment_id: BoardEntry(row, key, sources, until)
                for experiment_id, (row, key, sources, until) in json.loads(rows).items()
            }
            return cls(head["registry"], entries, *(head[name] for name in _PARTS))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls()

    def save(self, layout: Layout, files: FileSystem, seal: Seal) -> None:
        """Write the board in one step.

        Raises:
            StorageError: the disk refused.
        """
        rows = _encoded(
            {
                experiment_id: (entry.row, entry.key, entry.sources, entry.until)
                for experiment_id, entry in self.entries.items()
            }
        )
        head = _encoded(
            {
                "version": _VERSION,
                "registry": self.registry,
                "rows": _digest(rows),
            }
            | {name: getattr(self, name) for name in _PARTS}
        )
        try:
            mark = seal.of(_PURPOSE, head).encode()
            ensure_directory(files, layout.board.parent)
            write_atomically(files, layout.board, b"\n".join((mark, head, rows)))
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

    def texts_unchanged(self, layout: Layout) -> bool:
        """Tell whether plan files and learnings are those that the board was made from."""
        return self.plan_files == plan_files_stamp(
            layout
        ) and self.learnings == learnings_stamp(layout)

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
    try:
        head, _ = _unsealed(layout, seal)
        return bool(head["version"] == _VERSION and head["registry"] == registry)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def other_version(layout: Layout) -> bool:
    """Tell whether the board is of another version of the program, which is as good as none."""
    try:
        head = json.loads(read_whole(layout.board).split(b"\n", 2)[1])
        return type(head["version"]) is int and head["version"] != _VERSION
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return False


def _unsealed(layout: Layout, seal: Seal) -> tuple[Any, bytes]:
    """Return what this machine wrote at the head of the board, and its rows as they stand.

    Raises OSError; ValueError when this machine did not write the head.
    """
    mark, _, rest = read_whole(layout.board).partition(b"\n")
    head, _, rows = rest.partition(b"\n")
    if not seal.fits(mark.decode("ascii", "replace"), _PURPOSE, head):
        raise ValueError("the board is not of this machine")
    return json.loads(head), rows


def _encoded(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _digest(data: bytes) -> str:
    return str(blake2b(data, digest_size=32).hexdigest())


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


def plan_file_names(layout: Layout) -> list[str]:
    """Return the plan files at the top of a root: plan.yaml and NAME.plan.yaml, or .json."""
    try:
        with os.scandir(layout.root) as entries:
            names = [entry.name for entry in entries]
    except OSError:
        return []
    return sorted(
        name for name in names if name.endswith(_PLAN_ENDINGS) and name.split(".")[-2] == "plan"
    )


def plan_files_stamp(layout: Layout) -> list[object]:
    """Return what changes whenever a plan file does."""
    return [[name, *_stamp(layout.root / name)] for name in plan_file_names(layout)]


def learnings_stamp(layout: Layout) -> list[object]:
    """Return what changes whenever what experiments taught does."""
    return _stamp(layout.learnings)


def _stamp(path: Path) -> list[object]:
    try:
        status = path.lstat()
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns, status.st_ino]


def registry_stamp(layout: Layout) -> list[int]:
    """Return what changes whenever an experiment does; take it before reading the registry.

    Raises:
        StorageError: the registry cannot be examined.
    """
    found = _place_and_time(layout.registry)
    return found and [*found, *_place_and_time(layout.own_states)]


def _place_and_time(path: Path) -> list[int]:
    try:
        status = path.stat()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error
    return [status.st_size, status.st_mtime_ns, status.st_ino]
