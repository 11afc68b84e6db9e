"""Process of a session's client, so that a later look can tell for sure that it died.

A number alone says little: it is used again, and means another process in another container.
Kept with it are the start of the process and where such numbers hold. Without `/proc`, or
from a client that does not say its number, nothing is sure and age must tell.
"""

from __future__ import annotations

from meta_experiment.protocol.processes import place_of_numbers, start_of
from meta_experiment.protocol.sessions import fields_of, line_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from meta_experiment.protocol.sessions import Session

VARIABLE = "CLAUDE_PID"
FILE = "client"  # in a session's folder


def client_around(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return which process the client around this one is; empty when it cannot be told."""
    pid = environment.get(VARIABLE, "")
    start = start_of(pid)
    return (pid, start, place_of_numbers()) if start else ()


def note_client(session: Session, environment: Mapping[str, str]) -> None:
    """Keep which process the client is. Raises OSError."""
    client = client_around(environment)
    if client:
        session.write(FILE, line_of(client))


def client_of(session: Session) -> tuple[str, ...]:
    """Return which process a session's client is, as far as it was kept. Raises OSError."""
    fields = fields_of(session.read(FILE))
    return tuple(fields) if len(fields) == 3 else ()


def is_alive(session: Session) -> bool | None:
    """Tell whether a session's client lives; None when nothing is sure. Raises OSError."""
    client = client_of(session)
    if not client or not client[1] or client[2] != place_of_numbers():
        return None
    return start_of(client[0]) == client[1]
