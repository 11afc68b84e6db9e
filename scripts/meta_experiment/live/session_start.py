"""Start of a session: one line when there is something to say, and a run apart.

The line is computed beforehand (`notice`: decisions that are due; `news`: what was done while
nobody looked). The run is `auto` in a process of its own, never in the user's turn; where it
ran a moment ago, a look at what is new keeps the line true.
"""

from __future__ import annotations

import os

from meta_experiment.live.apart import claimed, run_apart
from meta_experiment.live.around import is_within, roots_around
from meta_experiment.live.hook_event import beat, entries_of, note
from meta_experiment.protocol import index, json_text, places, sessions
from meta_experiment.protocol.disk import make_folder
from meta_experiment.protocol.lock import locked, open_lock
from meta_experiment.protocol.missed import ABSENT
from meta_experiment.protocol.seal import read_sealed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from meta_experiment.live.hook_event import HookEvent
    from meta_experiment.protocol.places import Root

EVERY = 600.0  # seconds between two runs apart
LOOK_EVERY = 60.0  # seconds between two looks while a session goes on
_ACT = ["auto", "--background", "--yes"]
_NOWHERE = "/dev/null"
_PATIENCE = 0.05  # seconds for a lock
_LINE_LIMIT = 400  # characters of one thing to say


def session_started(event: HookEvent) -> str:
    """Note that hooks run, and when a client began; return what the hook prints."""
    for root in event.roots():
        beat(root.path, event.now)
        if event.document.get("source") == "startup":
            _note_begin(root, event)
    if event.document.get("source") == "compact":
        return ""  # in the middle of a turn, where nothing is said and nothing started
    return session_start(event.directory, event.now)


def _note_begin(root: Root, event: HookEvent) -> None:
    """Keep when a client began that knows agents put there a moment ago.

    The transcript tells it too, but may be written after the first agent is started.
    """
    if any(
        entry.kind == index.AGENT and entry.running and event.now < entry.since + index.SETTLED
        for entry in entries_of(root)
    ):
        try:
            sessions.Session(root.path, event.session).write_begin(event.now)
        except (OSError, ValueError) as error:
            note(root.path, error)


def session_start(directory: str, now: float) -> str:
    """Return what the hook prints for a session in a directory; empty when all is quiet.

    Starts the run apart for every root that is due. Never raises OSError.
    """
    said: list[str] = []
    for root in _concerned(directory):
        said += _due(root.path)
        said += _news(root.path)
        if root.place != root.path and _lacks(root, directory):
            mend(root.path)
        else:
            between_sessions(root.path, now)
    if not said:
        return ""
    text = "meta-experiment: " + " ".join(said)
    return '{"systemMessage":' + json_text.encode(text) + "}"


def between_sessions(root: str, now: float) -> bool:
    """Start the run apart, if the last one is long enough ago; tell whether it was.

    It closes abandoned trials, acts where a plan allows it and prepares the notice.
    """
    local = places.local(root)
    try:
        if _is_cleaned(root):
            make_folder(local)
        elif not _something_runs(root):
            return False
        if not claimed(local + "/auto.stamp", now, EVERY):
            return False
        run_apart(root, _ACT, local + "/auto.log")
    except OSError:
        return False
    return True


def after_trials(root: str, now: float, *, final: bool) -> None:
    """Start the run apart or, where it ran already, a look that keeps the line true.

    The trials that closed may be those that a decision waited for. Never raises OSError.
    """
    if between_sessions(root, now):
        return
    try:
        if final or claimed(places.local(root) + "/look.stamp", now, LOOK_EVERY):
            run_apart(root, ["status"], _NOWHERE)
    except OSError:
        return


def mend(root: str) -> None:
    """Have what serves prompts put in its place once more, beside the session.

    What was remembered of the last time is forgotten, so that all is looked at.
    """
    try:
        os.unlink(places.serving_state(root))
    except FileNotFoundError:
        pass
    except OSError:
        return
    try:
        run_apart(root, _ACT, places.local(root) + "/auto.log")
    except OSError:
        return


def _concerned(directory: str) -> list[Root]:
    """Return the roots whose experiments a session in this directory can meet."""
    here = os.path.realpath(directory)
    return [
        root
        for root in roots_around(directory, directory)
        if root.scope != places.PROJECT or is_within(here, root.place)
    ]


def _lacks(root: Root, directory: str) -> bool:
    """Tell whether a linked working tree, a new one say, lacks what serves its prompts."""
    from meta_experiment.live.uses import what_hinders

    running = [entry for entry in index.entries(root.path) if entry.running]
    return any(what_hinders(root, entry, directory) == ABSENT for entry in running)


def _due(root: str) -> list[str]:
    """Read the decisions that are due: lines of an experiment's id and a sentence."""
    lines = _lines(root, places.NOTICE)
    due = [line.split("\t", 1) for line in lines if "\t" in line]
    if len(due) < 2:
        return [_plain(text) for _, text in due]
    names = _plain(", ".join(name for name, _ in due))
    return [f"{len(due)} decisions are due: {names}. See them: /meta_experiment status"]


def _news(root: str) -> list[str]:
    """Read what was done apart, once; under a lock, against who adds to it meanwhile."""
    if not _lines(root, places.NEWS):
        return []
    try:
        held = locked(places.lock(root, places.NEWS), open_lock, within=_PATIENCE)
        if held is None:
            return []  # the next start tells it
        try:
            lines = _lines(root, places.NEWS)
            os.unlink(places.word(root, places.NEWS))
        finally:
            os.close(held)
    except OSError:
        return []  # what cannot be put away would be said at every start
    return [_plain(line) for line in lines]


def _lines(root: str, name: str) -> list[str]:
    """Read what this machine left word of; a commit can bring any other text along."""
    try:
        data = read_sealed(root, places.word(root, name), name)
    except OSError:
        return []
    return [line for line in data.decode("utf-8", "replace").split("\n") if line.strip()]


def _plain(text: str) -> str:
    """Keep a stored text from steering a terminal, and short."""
    text = "".join(letter if letter.isprintable() else "�" for letter in text)
    return text if len(text) <= _LINE_LIMIT else text[: _LINE_LIMIT - 1] + "…"


def _is_cleaned(root: str) -> bool:
    """Tell whether the index went, as by `git clean`, while prompts were under experiment.

    A root that is on the machine's list has one.
    """
    return os.path.isdir(f"{root}/.claude") and not os.path.exists(places.active_index(root))


def _something_runs(root: str) -> bool:
    return any(entry.running for entry in index.entries(root)) or bool(
        sessions.list_sessions(root)
    )
