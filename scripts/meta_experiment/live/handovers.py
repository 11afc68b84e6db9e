"""Arguments on their way from a hook to serving: one private file for each invocation."""

from __future__ import annotations

import os

from meta_experiment.protocol.disk import open_private
from meta_experiment.protocol.sessions import PromptRef, fields_of, line_of, remove
from meta_experiment.protocol.tsv import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from meta_experiment.protocol.sessions import Session

_HANDOVER = "handover-"
_DOUBT, _TAKEN = "~", "."
_STALE = 30.0  # seconds after which an invocation under another prompt will not come any more


class Handover:
    """The arguments of one invocation.

    `agent` is the one that made it, empty for the main conversation. `doubtful` says that it
    was pending beside another one for the same name, so that nobody can tell any more which
    invocation it belongs to.
    """

    __slots__ = ("agent", "arguments", "doubtful", "name", "path", "turn")

    def __init__(
        self,
        name: str,
        turn: PromptRef,
        agent: str,
        arguments: str,
        path: str,
        *,
        doubtful: bool,
    ) -> None:
        self.name = name
        self.turn = turn
        self.agent = agent
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


def hand_over(
    session: Session, name: str, turn: PromptRef, arguments: str, agent: str = ""
) -> None:
    """Hand over the arguments of an invocation, by an agent or not. Raises OSError."""
    head = line_of((turn.prompt_id, turn.transcript, turn.project, agent, name))
    data = head + b"\n" + arguments.encode("utf-8", "surrogatepass")
    session.write(f"{_HANDOVER}{quoted(name)}-{os.urandom(6).hex()}", data)


def pending(session: Session, name: str = "") -> list[Handover]:
    """Return the arguments that were handed over for a name, or for any. Raises OSError."""
    found = []
    for entry in session.names(_HANDOVER):
        meant, _, mark = entry.removeprefix(_HANDOVER).rpartition("-")
        if _TAKEN in mark or meant != quoted(name or meant):
            continue
        head, _, arguments = session.read(entry, entry.rstrip(_DOUBT)).partition(b"\n")
        fields = fields_of(head)
        if len(fields) == 5:
            text = arguments.decode("utf-8", "surrogatepass")
            path, doubtful = f"{session.folder}/{entry}", mark.endswith(_DOUBT)
            turn, agent, of = PromptRef(*fields[:3]), fields[3], fields[4]
            found.append(Handover(of, turn, agent, text, path, doubtful=doubtful))
    return found


def drop_broken_off(session: Session, turn: PromptRef, agent: str, now: float) -> list[str]:
    """Remove what invocations under other prompts left pending; return of which names.

    They were broken off, or nothing served them.

    The main conversation does one thing after the other: what it left is not coming any more
    once it has gone on. An agent in the background may still be on its way; but one that
    made another doubtful has done so once. Raises OSError.
    """
    return _drop(
        handover
        for handover in pending(session)
        if handover.turn.prompt_id != turn.prompt_id
        and (not (agent or handover.agent) or handover.doubtful or _age(handover, now) > _STALE)
    )


def drop_answered(session: Session, prompt_id: str, *, agents: bool) -> None:
    """Remove what a prompt left pending that has its answer.

    With `agents` those that it started are over as well. Raises OSError.
    """
    _drop(
        handover
        for handover in pending(session)
        if handover.turn.prompt_id == prompt_id and (agents or not handover.agent)
    )


def _drop(handovers: Iterable[Handover]) -> list[str]:
    names = []
    for handover in handovers:
        remove([handover.path])
        names.append(handover.name)
    return names


def _age(handover: Handover, now: float) -> float:
    try:
        return now - os.stat(handover.path).st_mtime
    except FileNotFoundError:
        return 0.0


def _unlinked(path: str) -> bool:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True
