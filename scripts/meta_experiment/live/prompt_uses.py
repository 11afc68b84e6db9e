"""Record of a use of a prompt under experiment, whoever called for it."""

from __future__ import annotations

import os

from meta_experiment.live.around import is_within, prompt_of
from meta_experiment.live.client_process import note_client
from meta_experiment.live.handovers import drop_broken_off
from meta_experiment.live.hook_event import beat
from meta_experiment.live.sandbox import take_over
from meta_experiment.protocol.index import SKILL, entries
from meta_experiment.protocol.json_text import encode
from meta_experiment.protocol.lock import BusyError
from meta_experiment.protocol.places import PROJECT
from meta_experiment.protocol.sessions import PromptUse, Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from meta_experiment.live.hook_event import HookEvent
    from meta_experiment.protocol.index import Entry
    from meta_experiment.protocol.places import Root


def announce(root: Root, called: list[Entry], event: HookEvent) -> None:
    """Keep that prompts are being used; where nothing can be kept, that they were missed."""
    for entry in called:
        use = PromptUse(event.prompt.prompt_id, entry.id, root.place)
        try:
            if (entry.running or entry.missing) and _means(root, entry, event.prompt.project):
                Session(root.path, event.session).write_use(use)
        except OSError:
            from meta_experiment.protocol.missed import UNWRITABLE, note_missed

            note_missed(root.path, use, UNWRITABLE, event.now)


def _means(root: Root, entry: Entry, project: str) -> bool:
    """Tell whether a name means a prompt of a root in a session that began in a folder.

    A command of a root below is not loaded there, and the nearest of a name is meant.
    """
    if root.scope != PROJECT or entry.kind == SKILL:
        return True
    place, _ = prompt_of(root, entry, project)
    return is_within(os.path.realpath(project), root.place) and place in (root.place, root.path)


def remember(root: Root, event: HookEvent) -> Session:
    """Keep which prompt the session is at. Raises OSError, ValueError."""
    beat(root.path, event.now)
    session = Session(root.path, event.session)
    _take_over(root, session)
    _renew(root, drop_broken_off(session, event.prompt, event.agent, event.now))
    session.write_turn(event.prompt)
    note_client(session, os.environ)
    return session


def _take_over(root: Root, session: Session) -> None:
    """Take over what a sandbox kept, unless the hook of the answer before is at it."""
    try:
        take_over(root, session)
    except BusyError:
        return


def _renew(root: Root, names: list[str]) -> None:
    """Renew the stand-ins of names that nothing served, though an experiment runs."""
    if names:
        from meta_experiment.live.stand_ins import renew

        for entry in entries(root.path):
            if entry.name in names:
                renew(root, entry)


def decision(answer: dict[str, object]) -> str:
    """Return what a hook prints to decide on the call of a tool."""
    return encode({"hookSpecificOutput": {"hookEventName": "PreToolUse", **answer}})
