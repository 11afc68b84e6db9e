"""The journal of changes under way, on disk before the first file is touched.

One JSON file per change, under this machine's seal, names what was found, what shall be, and
the commit about to land. That is enough to finish or to undo the change: the originals lie in
the backups, and whether it came through is read from the files and the branch themselves. It
is empty at rest. What does not bear our seal came from elsewhere and is not followed.
"""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from meta_experiment.deploy.change import LandedChange
from meta_experiment.deploy.commit import CommitEntry, CommitPlan
from meta_experiment.errors import UnsafePathError
from meta_experiment.files.atomic import TEMPORARY_SUFFIX, write_atomically
from meta_experiment.files.confine import plain_path, safe_component
from meta_experiment.files.durable import ensure_directory
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.protocol.disk import IGNORE_FILE
from meta_experiment.protocol.seal import Seal
from meta_experiment.records import dataclass
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
class FileStep:
    """Step of one file: as it was found and as it shall be; None is no file."""

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
    steps: tuple[FileStep, ...]
    plan: CommitPlan | None
    commit: str | None = None

    @property
    def landed(self) -> LandedChange:
        """The change as the registry step is given it."""
        return LandedChange(
            self.change_id, self.experiment_id, self.action, self.payload, self.commit
        )


@dataclass(frozen=True, slots=True)
class JournalContents:
    """The contents of the journal.

    `records` are of changes that this checkout began; `later` names those that a newer version
    of this program began here; `strange` is all that this checkout did not write.
    """

    records: tuple[Record, ...] = ()
    later: tuple[str, ...] = ()
    strange: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Journal:
    """The folder of changes in flight. Used under the lock of deployments only."""

    files: FileSystem
    directory: Path
    seal: Seal

    def path(self, change_id: str) -> Path:
        """Return the place of one record."""
        return self.directory / f"{change_id}{_SUFFIX}"

    def write(self, record: Record) -> None:
        """Store a record, replacing an earlier one of the same change. Raises OSError."""
        ensure_directory(self.files, self.directory)
        data = self.seal.wrap(_purpose(record.change_id), _encode(record))
        write_atomically(self.files, self.path(record.change_id), data)

    def remove(self, change_id: str) -> None:
        """Forget a change: what else bears its name goes first. Raises OSError."""
        names = [name for name in names_in(self.directory) if name.startswith(f"{change_id}.")]
        for name in sorted(names, key=lambda name: name.endswith(_SUFFIX)):
            self.files.remove(self.directory / name)
        if names:
            self.files.sync_directory(self.directory)

    def look(self) -> JournalContents:
        """Tell what lies there; nothing that is no regular file is opened. Raises OSError."""
        if _kind(self.directory) not in (stat.S_IFDIR, None):
            return JournalContents(strange=(self.directory,))
        records, later, strange = list[Record](), list[str](), list[Path]()
        for name in names_in(self.directory):
            change_id = name.removesuffix(_SUFFIX)
            document = self._sealed(change_id) if name.endswith(_SUFFIX) else None
            if document is None:
                strange.append(self.directory / name)
            elif (record := _decode(document, change_id)) is not None:
                records.append(record)
            else:
                later.append(change_id)
        own = [*(record.change_id for record in records), *later]
        strange = [path for path in strange if not _is_beside(path, own)]
        return JournalContents(tuple(records), tuple(later), tuple(strange))

    def sweep(self) -> None:
        """Delete what a crash left half written of a record. Raises OSError."""
        for name in names_in(self.directory):
            if _is_temporary(self.directory / name):
                self.files.remove(self.directory / name)

    def _sealed(self, change_id: str) -> bytes | None:
        """Return what stands under our seal in the place of a record."""
        try:
            data = self.files.read(self.path(change_id))
        except OSError:
            return None
        return self.seal.unwrap(_purpose(change_id), data)


def names_in(directory: Path) -> list[str]:
    """Return the names in a journal; none where there is no such folder. Raises OSError."""
    try:
        names = (path.name for path in directory.iterdir())
        return sorted(name for name in names if name != IGNORE_FILE)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _purpose(change_id: str) -> str:
    return f"journal {change_id}"


def _is_beside(path: Path, change_ids: Iterable[str]) -> bool:
    """Tell whether a file lies there by our own work: for a record, or half written."""
    named = any(path.name.startswith(f"{change_id}.") for change_id in change_ids)
    return _is_temporary(path) or (named and _kind(path) == stat.S_IFREG)


def _is_temporary(path: Path) -> bool:
    return path.name.endswith(TEMPORARY_SUFFIX) and _kind(path) == stat.S_IFREG


def _kind(path: Path) -> int | None:
    """Return what stands at a path, links not followed; None for nothing."""
    try:
        return stat.S_IFMT(path.lstat().st_mode)
    except FileNotFoundError:
        return None


def _encode(record: Record) -> bytes:
    document = {"version": _VERSION, **asdict(record)}
    return json.dumps(document, indent=1, allow_nan=False).encode() + b"\n"


def _decode(data: bytes, change_id: str) -> Record | None:
    """Read what bears our seal; None where only a newer version of this program knows it."""
    try:
        document = json.loads(data)
        record = _record(document) if document["version"] == _VERSION else None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, UnsafePathError):
        return None
    return record if record is not None and record.change_id == change_id else None


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
            FileStep(
                plain_path(step["path"]), _version(step["before"]), _version(step["after"])
            )
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


def _entry(value: dict[str, Any]) -> CommitEntry:
    return CommitEntry(
        _shaped(_ENTRY_PATH, value["path"]),
        _shaped(_ENTRY, value["before"]),
        _shaped(_ENTRY, value["after"]),
    )


def _shaped(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError("not what this tool writes")
    return text
