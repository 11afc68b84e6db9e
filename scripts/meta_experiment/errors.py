"""The one exception tree.

    MetaExperimentError
    ├── UsageError            what was asked for makes no sense as it stands   exit 2
    ├── NotFoundError         no such experiment, file or variant              exit 1
    ├── ConflictError         something else already holds this place          exit 1
    ├── InvalidStateError     the experiment is not in a state that allows it  exit 1
    ├── RefusedError          allowed in principle, refused on the evidence    exit 1
    ├── DriftError            a file is not what the plan says it should be    exit 1
    ├── CorruptStoreError     stored data cannot be read as what it should be  exit 1
    │   └── NewerVersionError what only a newer version knows; it is left      exit 1
    ├── UnsafePathError       a path leaves the experiment's root              exit 1
    ├── LockedError           another process holds a lock for too long        exit 1
    │   └── HeldStoreError    somebody in a team's store holds what is needed  exit 1
    ├── StorageError          the file system said no                          exit 1
    ├── GitError              git said no                                      exit 1
    ├── DependencyError       a package or program is missing                  exit 1
    ├── NetworkError          nobody answered, or not to the end               exit 1
    ├── RemoteError           another machine answered, and said no            exit 1
    │   ├── ForbiddenError    it said: not this user                           exit 1
    │   └── RateLimitError    it said: not yet                                 exit 1
    └── DegenerateDataError   the numbers carry no evidence (also ValueError)  exit 1

A message says what happened and what was expected; the hint says what to run next. Words that
somebody else may have written stand in it as `named`.
"""

from __future__ import annotations

from typing import ClassVar, Literal

ErrorKind = Literal[
    "usage",
    "not_found",
    "conflict",
    "invalid_state",
    "refused",
    "drift",
    "corrupt_store",
    "unsafe_path",
    "locked",
    "storage",
    "git",
    "dependency",
    "network",
    "remote",
    "degenerate_data",
    "interrupted",
    "internal",
]


_LONGEST = 200  # characters of somebody's words


def quoted(text: str, mark: str = '"', most: int = _LONGEST) -> str:
    """Return somebody's words: on one line, cut short, in quotes that nothing in them ends."""
    line = " ".join(text[: 20 * most].split())
    line = line if len(line) <= most else line[: most - 1] + "…"
    inner = line.replace(mark, "’" if mark == "'" else "'")
    return mark + "".join(sign if sign.isprintable() else "�" for sign in inner) + mark


def cite(text: object, most: int = _LONGEST) -> str:
    """Return words as messages name them: in single quotes, as `quoted` does."""
    return quoted(str(text), "'", most)


def as_word(text: str, most: int = 80) -> str:
    """Return a name or a path as it is where it is one plain word, else as `cite` does."""
    plain = all(sign.isalnum() or sign in "._-/@+:~=" for sign in text)
    return text if text and plain and len(text) <= most else cite(text)


class MetaExperimentError(Exception):
    """Anything this library refuses or fails to do, with the way out."""

    kind: ClassVar[ErrorKind] = "internal"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        """Hold the sentence for the user and, apart from it, what to run next."""
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def told(self) -> str:
        """The sentence, and what to run next behind it."""
        return f"{self.message} {self.hint}" if self.hint else self.message


class UsageError(MetaExperimentError):
    """A request makes no sense as it stands."""

    kind = "usage"
    exit_code = 2


class NotFoundError(MetaExperimentError):
    """There is no such experiment, file or variant."""

    kind = "not_found"


class ConflictError(MetaExperimentError):
    """Something else already holds this place."""

    kind = "conflict"


class InvalidStateError(MetaExperimentError):
    """The experiment is not in a state that allows this."""

    kind = "invalid_state"


class RefusedError(MetaExperimentError):
    """Allowed in principle, refused on the evidence or for safety."""

    kind = "refused"


class DriftError(MetaExperimentError):
    """A file on disk is not what the experiment last knew it to be."""

    kind = "drift"


class CorruptStoreError(MetaExperimentError):
    """Stored data cannot be read as what it should be."""

    kind = "corrupt_store"


class NewerVersionError(CorruptStoreError):
    """Stored data are not damaged but of a newer version of this program, and are left."""


class UnsafePathError(MetaExperimentError):
    """A path leaves the experiment's root, or reaches its target through a link."""

    kind = "unsafe_path"


class LockedError(MetaExperimentError):
    """Another process held a lock for longer than the allowed wait."""

    kind = "locked"


class HeldStoreError(LockedError):
    """Somebody held in a team's store what was needed for longer than the allowed wait."""


class StorageError(MetaExperimentError):
    """The file system refused: permission, space or input/output."""

    kind = "storage"


class GitError(MetaExperimentError):
    """Git refused, and nothing was left half done."""

    kind = "git"


class DependencyError(MetaExperimentError):
    """A package or program that this step needs is not there."""

    kind = "dependency"


class NetworkError(MetaExperimentError):
    """Nobody answered in time, or not to the end; what was asked for may have been done."""

    kind = "network"


class RemoteError(MetaExperimentError):
    """Another machine answered and refused; asking again changes nothing."""

    kind = "remote"

    def __init__(self, message: str, *, status: int = 0, hint: str | None = None) -> None:
        """Hold the status beside the sentence."""
        super().__init__(message, hint=hint)
        self.status = status


class ForbiddenError(RemoteError):
    """Another machine does not allow this user what was asked for."""


class RateLimitError(RemoteError):
    """Another machine answers nothing more for so many seconds."""

    def __init__(self, message: str, *, wait: float, status: int = 0) -> None:
        """Hold how long to wait beside the sentence."""
        super().__init__(message, status=status, hint=f"Run it again in {wait:.0f} s.")
        self.wait = wait


class DegenerateDataError(MetaExperimentError, ValueError):
    """The numbers carry no evidence: too few, constant, or not finite."""

    kind = "degenerate_data"
