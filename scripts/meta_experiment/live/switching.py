"""Switch to the variant of an agent, when the model starts one."""

from __future__ import annotations

import os

from meta_experiment.live.agent_files import agent_files, listed_agents
from meta_experiment.live.around import prompt_of
from meta_experiment.live.exposure import expose
from meta_experiment.live.stand_ins import renew
from meta_experiment.protocol.by_name import telling_apart
from meta_experiment.protocol.faults import note, note_error
from meta_experiment.protocol.index import SETTLED, agent_names
from meta_experiment.protocol.places import PLUGIN, read_below, read_head
from meta_experiment.protocol.sessions import end_task_elsewhere
from meta_experiment.protocol.texts import ORIGINAL, is_text, placed
from meta_experiment.protocol.timestamps import epoch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from meta_experiment.protocol.index import Entry
    from meta_experiment.protocol.places import Root
    from meta_experiment.protocol.sessions import PromptRef, Session

_HEAD = 65_536  # bytes of a transcript in which its first time stands


def switched(
    root: Root, entry: Entry, session: Session, turn: PromptRef, now: float, task: str
) -> str:
    """Return the name of the agent to start on a task for one that is, or was, on trial.

    It is that of the control where nothing can be served: then nothing is counted, and what
    was open before in the session is over all the same. A copy is never started because the
    model asked for it by its own name.

    Raises:
        OSError: the end of what was open before could not be noted.
    """
    variant, counted = entry.control, False
    try:
        if entry.running and _can_serve(root, entry, session, turn, now):
            drawn = expose(session, entry, turn, now, argument_length=len(task))
            variant, counted = drawn.variant, drawn.trial is not None
    except Exception as error:  # noqa: BLE001 - the agent starts as it was asked for
        note_error(root.path, "hook", error, entry.id)
    if not counted:
        session.end_task(turn.prompt_id)
    end_task_elsewhere(session, turn.prompt_id)
    return dict(zip(entry.arms, agent_names(entry.name, entry.arms), strict=True))[variant]


def _can_serve(root: Root, entry: Entry, session: Session, turn: PromptRef, now: float) -> bool:
    """Tell whether each variant would be started as the control is."""
    place, found = prompt_of(root, entry, turn.project)
    own = f"{place}/{entry.path}"
    if not is_text(entry, ORIGINAL, found):
        return False
    for path, name in placed(entry).items():
        if not is_text(entry, name, read_below(place, path)):
            return False
    names = agent_names(entry.name, entry.arms)
    for path in telling_apart(turn.project, names, os.environ):
        told = f"{entry.id}: the agent ran without a trial, as {path} speaks of it by its name"
        note(root.path, "hook", told)
        return False
    if not _is_known(root, entry, session, turn, now):
        if now >= entry.since + SETTLED:
            renew(root, entry)
        return False
    return _is_loaded(own, entry, turn)


def _is_known(root: Root, entry: Entry, session: Session, turn: PromptRef, now: float) -> bool:
    """Tell whether the session has read the files of an agent's variants.

    Of files that were put back a moment ago the client may still know that they went, which it
    tells later than it knows it: a list from before is believed once that has settled.
    """
    listed, settled = listed_agents(turn.transcript), now >= entry.since + SETTLED
    if listed:
        told = [listed.get(f"{entry.name}-{arm}") for arm in entry.arms[1:]]
        return all(at is not None and (settled or at > entry.since) for at in told)
    if root.scope != PLUGIN and settled:
        return True
    if session.read_begin() > entry.since:
        return True
    try:
        head = read_head(turn.transcript, _HEAD)
    except OSError:  # it is not written yet
        head = b""
    return _first_time(head) > entry.since


def _is_loaded(own: str, entry: Entry, turn: PromptRef) -> bool:
    """Tell whether the session's agent of this name is the file under experiment, surely."""
    if ":" in entry.name:
        return True  # a plugin's names are its own
    files = agent_files(entry.name, turn.project, os.environ)
    return bool(files) and os.path.realpath(files[-1]) == os.path.realpath(own)


def _first_time(transcript: bytes) -> float:
    """Return the first time in a transcript, in seconds since the epoch; 0 when it has none."""
    _, found, rest = transcript.partition(b'"timestamp":"')
    if not found:
        return 0.0
    return epoch(rest.partition(b'"')[0].decode("ascii", "replace")) or 0.0
