"""A change of files as plain values, checked for sense before anything is touched."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import Protocol

from meta_experiment.errors import UsageError
from meta_experiment.files.confine import Content
from meta_experiment.records import dataclass
from meta_experiment.types import Action, FileVersion

_CHANGE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


@dataclass(frozen=True, slots=True)
class FileChange:
    """Change of one file: what it must be now and what it shall be; None means no file.

    `path` is relative to the root, with `/`. A file that already is what it shall be is
    left as it is, whatever was expected. `beside` is the prompt file to which one belongs
    that comes into being: where git has that, it gets this one too.
    """

    path: str
    expected: FileVersion | None
    target: Content | None
    beside: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Files that change together or not at all, with what the registry is to learn of it.

    `payload` must survive JSON; it is handed back to the registry step, also by a later
    process that finishes the change. `message` None means: do not commit.
    """

    change_id: str
    experiment_id: str
    action: Action
    files: tuple[FileChange, ...]
    payload: Mapping[str, object]
    message: str | None = None

    def check(self) -> None:
        """Refuse a change that makes no sense.

        Raises:
            UsageError: the identifier cannot be a file name, or a file is named twice.
        """
        if not _CHANGE_ID.fullmatch(self.change_id):
            raise UsageError(
                f"{self.change_id!r} cannot name a change: "
                "expected letters, digits, - and _ (at most 100)."
            )
        if len({change.path for change in self.files}) < len(self.files):
            raise UsageError("A file is named twice in one change; each may change once.")


@dataclass(frozen=True, slots=True)
class LandedChange:
    """A change whose files and commit stand, so that the registry has to learn of it."""

    change_id: str
    experiment_id: str
    action: Action
    payload: Mapping[str, object]
    commit: str | None


class RegistryStep(Protocol):
    """The part of a change that is the registry's."""

    def check(self) -> None:
        """Raise when what the change was worked out from holds no more.

        Asked once no other change can come in between, before anything is touched; never of a
        change that a crash cut off.
        """

    def record(self, landed: LandedChange) -> None:
        """Write down what was done.

        May be called again with the same argument, by a later process, and must then do nothing
        more. When it raises an Exception, the registry must be as it was before.
        """


def version_of(content: Content | None) -> FileVersion | None:
    """Name the bytes and permission bits of a file; None for no file."""
    if content is None:
        return None
    return FileVersion(sha256=hashlib.sha256(content.data).hexdigest(), mode=content.mode)


def new_change_id() -> str:
    """Return an identifier that no other change has."""
    return secrets.token_hex(8)
