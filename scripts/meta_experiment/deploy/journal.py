"""What is under way, on disk before the first file is touched.

One JSON file per change names what was found, what shall be, and the commit about to
land. That is enough to finish or to undo the change: the originals lie in the backups, and
whether it came through is read from the files and the branch themselves. It is empty at
rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from meta_experiment.deploy.change import Settled
from meta_experiment.deploy.commit import CommitPlan, Entry
from meta_experiment.errors import CorruptStoreError, UnsafePathError
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.confine import plain_path, safe_component
from meta_experiment.files.durable import ensure_directory
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.live.disk import IGNORE_FILE
from meta_experiment.types import Action, FileVersion

_VERSION = 1
_SUFFIX = ".json"
# What a record hands to git and to paths must be what this tool writes, no more.
_CHANGE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_OBJECT = re.compile(r"[0-9a-f]{40,64}")
_BRANCH = re.compile(r"refs/[^\0\n]+")
_ENTRY = re.compile(r"(0|100644|100755) [0-9a-f]{40,64}")
_ENTRY_PATH = re.compile(r"[^\0]+")
_ALL_BITS = 0o7777


@dataclass(frozen=True, slots=True)
class Step:
    """One file, as it was found and as it shall be; None is no file."""

    path: str
    before: FileVersion | None
    after: FileVersion | None


@dataclass(frozen=True, slots=True)
class Record:
    """A change in flight. `plan` None: no commit is due; `commit` None: none was made yet."""

    change_id: str
    experiment_id: str
    action: Action
    payload: Mapping[str, object]
    steps: tuple[Step, ...]
    plan: CommitPlan | None
    commit: str | None = None

    @property
    def settled(self) -> Settled:
        """What the registry step is given."""
        return Settled(
            self.change_id, self.experiment_id, self.action, self.payload, self.commit
        )


@dataclass(frozen=True, slots=True)
class Journal:
    """The folder of changes in flight. Used under the lock of deployments only."""

    files: FileSystem
    directory: Path

    def path(self, change_id: str) -> Path:
        """Return the place of one record."""
        return self.directory / f"{change_id}{_SUFFIX}"

    def write(self, record: Record) -> None:
        """Store a record, replacing an earlier one of the same change. Raises OSError."""
        ensure_directory(self.files, self.directory)
        write_atomically(self.files, self.path(record.change_id), _encode(record))

    def remove(self, change_id: str) -> None:
        """Forget a change: what else bears its name goes first. Raises OSError."""
        names = [name for name in self._names() if name.startswith(f"{change_id}.")]
        for name in sorted(names, key=lambda name: name.endswith(_SUFFIX)):
            self.files.remove(self.directory / name)
        if names:
            self.files.sync_directory(self.directory)

    def empty(self) -> bool:
        """Tell whether nothing is under way and nothing was left behind."""
        return not self._names()

    def records(self) -> Iterator[tuple[Path, Record | None]]:
        """Yield each file that is a record, with None for one that cannot be read as such.

        Raises:
            CorruptStoreError: a newer version of this tool wrote it.
            OSError: the file system refused.
        """
        for name in self._names():
            if name.endswith(_SUFFIX):
                path = self.directory / name
                yield path, _decode(self.files.read(path), path)

    def sweep(self) -> None:
        """Delete everything but records: what a crash left half written. Raises OSError."""
        for name in self._names():
            if not name.endswith(_SUFFIX):
                self.files.remove(self.directory / name)

    def _names(self) -> list[str]:
        try:
            names = (path.name for path in self.directory.iterdir())
            return sorted(name for name in names if name != IGNORE_FILE)
        except FileNotFoundError:
            return []


def _encode(record: Record) -> bytes:
    document = {"version": _VERSION, **asdict(record)}
    return json.dumps(document, indent=1, allow_nan=False).encode() + b"\n"


def _decode(data: bytes, path: Path) -> Record | None:
    try:
        document = json.loads(data)
        if document["version"] > _VERSION:
            raise CorruptStoreError(
                f"{path} was written by a newer version of meta-experiment.",
                hint="Finish that change with the version that began it.",
            )
        record = _record(document)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, UnsafePathError):
        return None
    return record if record.change_id == path.stem else None


def _record(document: dict[str, Any]) -> Record:
    """Read a record; its names reach git and paths, so they must be what we write.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: they are not.
    """
    plan = document["plan"]
    return Record(
        change_id=_shaped(_CHANGE_ID, document["change_id"]),
        experiment_id=safe_component(document["experiment_id"]),
        action=Action(document["action"]),
        payload=document["payload"],
        steps=tuple(
            Step(plain_path(step["path"]), _version(step["before"]), _version(step["after"]))
            for step in document["steps"]
        ),
        plan=plan
        and CommitPlan(
            _shaped(_OBJECT, plan["head"]),
            plan["branch"] and _shaped(_BRANCH, plan["branch"]),
            tuple(_entry(entry) for entry in plan["entries"]),
            plan["note"],
        ),
        commit=document["commit"] and _shaped(_OBJECT, document["commit"]),
    )


def _version(value: dict[str, Any] | None) -> FileVersion | None:
    if not value:
        return None
    if type(value["mode"]) is not int or not 0 <= value["mode"] <= _ALL_BITS:
        raise ValueError("not permission bits")
    return FileVersion(_shaped(_OBJECT, value["sha256"]), value["mode"])


def _entry(value: dict[str, Any]) -> Entry:
    return Entry(
        _shaped(_ENTRY_PATH, value["path"]),
        _shaped(_ENTRY, value["before"]),
        _shaped(_ENTRY, value["after"]),
    )


def _shaped(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError("not what this tool writes")
    return text
