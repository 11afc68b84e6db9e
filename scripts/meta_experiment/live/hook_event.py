"""An event that a hook was told of, and what all that answer one do with it."""

from __future__ import annotations

import os

from meta_experiment.live.around import roots_around
from meta_experiment.protocol.index import entries
from meta_experiment.protocol.places import (
    data_folder,
    heartbeat,
    refuse_links_to_state,
    roots,
)
from meta_experiment.protocol.sessions import PromptRef, Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from meta_experiment.protocol.index import Entry
    from meta_experiment.protocol.places import Root


class HookEvent:
    """Event that a hook was told of, as far as needed; `now` in seconds since the epoch.

    `agent` is the one in which it happens, empty for the main conversation.
    """

    __slots__ = ("agent", "directory", "document", "now", "prompt", "session")

    def __init__(self, document: dict[str, object], now: float) -> None:
        self.document = document
        self.now = now
        self.session = text_of(document, "session_id")
        self.agent = text_of(document, "agent_id")
        self.directory = text_of(document, "cwd") or os.getcwd()
        project = os.environ.get("CLAUDE_PROJECT_DIR") or self.directory
        transcript = text_of(document, "transcript_path")
        self.prompt = PromptRef(text_of(document, "prompt_id"), transcript, project)

    def roots(self) -> list[Root]:
        """Return the roots whose prompts the session can meet."""
        return roots_around(self.directory, self.prompt.project)

    def sessions(self) -> list[tuple[Root, Session]]:
        """Return what is kept of the session, with each root that has prompts it used."""
        known = [
            (root, Session(root.path, self.session)) for root in roots(data_folder(os.environ))
        ]
        return [(root, session) for root, session in known if os.path.isdir(session.folder)]


def text_of(document: dict[str, object], name: str) -> str:
    """Return a text of a document; empty when it has none of that name."""
    value = document.get(name)
    return value if isinstance(value, str) else ""


def entries_of(root: Root) -> list[Entry]:
    """Return what is served in a root; nothing, and a note, when that cannot be read."""
    try:
        return entries(root.path)
    except OSError as error:
        note(root.path, error)
        return []


def beat(root: str, now: float) -> None:
    """Note that hooks run here, as far as that can be noted."""
    path = heartbeat(root)
    try:
        refuse_links_to_state(path)
        os.utime(path, (now, now))
    except FileNotFoundError:
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError:
            return
    except OSError:
        return


def note(root: str, error: Exception, experiment_id: str = "", where: str = "hook") -> None:
    """Note what went wrong on the way of a prompt. Never raises."""
    from meta_experiment.protocol.faults import note_error

    note_error(root, where, error, experiment_id)
