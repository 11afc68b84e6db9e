"""Waits of agents for a person's leave to use a tool, which no transcript tells.

Of the main conversation the client itself counts the work. An agent in the background has no
such count; but hooks see when leave is asked for, and how long the tool then ran.
"""

from __future__ import annotations

from meta_experiment.protocol.sessions import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from meta_experiment.transcripts.turns import Transcript
    from meta_experiment.transcripts.work import Work

ASKED = "asked"  # in a session's folder; the hook's shell part looks whether it is there
_ASKS, _RAN = "asks", "ran"


def note_asked(session: Session, agent: str, tool: str, now: float) -> None:
    """Note that an agent asks for leave to use a tool. Raises OSError."""
    session.append(ASKED, _ASKS, agent, tool, str(int(now * 1000)))


def note_ran(session: Session, call: str, milliseconds: int) -> None:
    """Note how long a call of a tool took once it had leave. Raises OSError."""
    if session.names(ASKED):
        session.append(ASKED, _RAN, call, str(milliseconds))


def take_waits(session: Session, transcript: Transcript) -> None:
    """Tell the agents of a transcript when they waited for leave. Raises OSError."""
    asked: dict[tuple[str, str], list[float]] = {}
    ran: dict[str, float] = {}
    for kind, *rest in session.lines(ASKED):
        if kind == _ASKS and len(rest) == 3 and rest[2].isdigit():
            asked.setdefault((rest[0], rest[1]), []).append(int(rest[2]) / 1000)
        elif kind == _RAN and len(rest) == 2 and rest[1].isdigit():
            ran[rest[0]] = int(rest[1]) / 1000
    if asked:
        for turn in transcript.turns:
            for work in turn.agents:
                _add_waits(work, asked, ran)


def _add_waits(
    work: Work, asked: dict[tuple[str, str], list[float]], ran: dict[str, float]
) -> None:
    """Find the question of each call between its beginning and its result."""
    for call, name in work.calls.items():
        begun, ended = work.begun.get(call), work.returned.get(call)
        took = ran.get(call, 0.0 if call in work.failed else None)
        questions = asked.get((work.agent, name), [])
        if begun is None or ended is None or took is None:
            continue  # of a call that neither ran to its end nor was refused nothing is known
        at = next((moment for moment in questions if begun <= moment <= ended), None)
        if at is not None:
            questions.remove(at)
            work.waits.append((at, max(at, ended - took)))
