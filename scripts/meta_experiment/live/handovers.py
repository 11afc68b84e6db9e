"""Arguments on their way from a hook to serving: one private file for each invocation."""

from __future__ import annotations

import os

from meta_experiment.live.disk import open_private
from meta_experiment.live.sessions import Turn, fields_of, line_of, quoted, remove

TYPE_CHECKING = False
if TYPE_CHECKING:
    from meta_experiment.live.sessions import Session

_HANDOVER = "handover-"
_DOUBT, _TAKEN = "~", "."
_STALE = 30.0  # seconds after which an invocation under another prompt will not come any more


class Handover:
    """The arguments of one invocation.

    `doubtful` says that it was pending beside another one for the same name, so that nobody
    can tell any more which invocation it belongs to.
    """

    __slots__ = ("arguments", "doubtful", "path", "turn")

    def __init__(self, turn: Turn, arguments: str, path: str, *, doubtful: bool) -> None:
        self.turn = turn
        self.arguments = arguments
        self.path = path
        self.doubtful = doubtful

    def doubt(self) -> None:
        """Mark it as one of several that were pending for a name. Raises OSError."""
        if not self.doubtful:
            try:
                os.rename(self.path, self.path + _DOUBT)
            except FileNotFoundError:
                return  # its own invocation took it meanwhile
            self.path += _DOUBT

    def take(self, part: int, parts: int) -> bool:
        """Consume it; False when another process was faster. Raises OSError.

        A body in several parts (counted from 1) consumes it once for each, the last of them
        removes it.
        """
        if parts < 2:
            return _unlinked(self.path)
        try:
            mark = f"{self.path}{_TAKEN}{part}"
            os.close(open_private(mark, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        marks = [f"{self.path}{_TAKEN}{number}" for number in range(1, parts + 1)]
        if all(map(os.path.exists, marks)) and _unlinked(self.path):
            remove(marks)
        return True


def hand_over(session: Session, name: str, turn: Turn, arguments: str) -> None:
    """Hand over the arguments of an invocation. Raises OSError."""
    head = line_of((turn.prompt_id, turn.transcript, turn.project))
    data = head + b"\n" + arguments.encode("utf-8", "surrogatepass")
    session.write(_prefix(name) + os.urandom(6).hex(), data)


def pending(session: Session, name: str) -> list[Handover]:
    """Return the arguments that were handed over for a name. Raises OSError."""
    prefix = _prefix(name)
    found = []
    for entry in session.names(prefix):
        mark = entry[len(prefix) :]
        if "-" in mark or _TAKEN in mark:
            continue
        head, _, arguments = session.read(entry, entry.rstrip(_DOUBT)).partition(b"\n")
        fields = fields_of(head)
        if len(fields) == 3:
            given = arguments.decode("utf-8", "surrogatepass")
            path = f"{session.folder}/{entry}"
            found.append(Handover(Turn(*fields), given, path, doubtful=mark.endswith(_DOUBT)))
    return found


def drop_stale(session: Session, name: str, turn: Turn, now: float) -> None:
    """Remove what earlier invocations of a name, now broken off, left pending.

    One that made another doubtful has done so once: the next prompt does not meet it.
    Raises OSError.
    """
    for handover in pending(session, name):
        if handover.turn.prompt_id != turn.prompt_id:
            try:
                age = now - os.stat(handover.path).st_mtime
            except FileNotFoundError:
                continue
            if age > _STALE or handover.doubtful:
                remove([handover.path])


def _prefix(name: str) -> str:
    return f"{_HANDOVER}{quoted(name)}-"


def _unlinked(path: str) -> bool:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True
