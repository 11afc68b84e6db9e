"""What the client's hooks do: hand arguments over, switch agents, close what is over.

Nothing is printed unless it is an answer, as the client shows it to the model; the exit code
is 0 always, as another would block the user's command.
"""

from __future__ import annotations

import os
import time

from meta_experiment.live.around import (
    is_within,
    prompt_of,
    roots_around,
    stand_in_path,
)
from meta_experiment.live.client_process import note_client
from meta_experiment.live.handovers import drop_answered, drop_broken_off, hand_over
from meta_experiment.live.sandbox import take_over
from meta_experiment.protocol.index import (
    AGENT,
    IN_PLACE,
    SETTLED,
    SHADOW,
    SKILL,
    agent_names,
    entries,
)
from meta_experiment.protocol.json_text import encode, parse_object
from meta_experiment.protocol.places import (
    PLUGIN,
    PROJECT,
    USER,
    data_folder,
    heartbeat,
    read_bytes,
    refuse_links_to_state,
    roots,
)
from meta_experiment.protocol.sessions import Session, Turn
from meta_experiment.protocol.texts import ORIGINAL, SHIM, TextGoneError, is_text, read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from meta_experiment.protocol.index import Entry
    from meta_experiment.protocol.places import Root


class Event:
    """What a hook was told, as far as it is needed here."""

    __slots__ = ("agent", "directory", "document", "now", "session", "turn")

    def __init__(self, document: dict[str, object], now: float) -> None:
        self.document = document
        self.now = now
        self.session = _text(document, "session_id")
        self.agent = _text(document, "agent_id")  # that it happens in, empty for none
        self.directory = _text(document, "cwd") or os.getcwd()
        project = os.environ.get("CLAUDE_PROJECT_DIR") or self.directory
        prompt_id = _text(document, "prompt_id")
        self.turn = Turn(prompt_id, _text(document, "transcript_path"), project)


def main() -> int:
    """Answer one event, read from the standard input."""
    try:
        document = parse_object(_read_all(0).decode("utf-8", "replace"))
        answer = _HANDLERS.get(_text(document, "hook_event_name"))
        if answer is not None:
            printed = answer(Event(document, time.time()))
            if printed:
                os.write(1, printed.encode())
    except Exception as error:  # noqa: BLE001 - a hook never disturbs the session
        for root in _concerned():
            _note(root, error)
    return 0


def _concerned() -> list[str]:
    """Return the roots around the session by its environment alone; "" stands for none."""
    try:
        return [root.path for root in _around(Event({}, 0.0))] or [""]
    except OSError:
        return [""]


def _expansion(event: Event) -> str:
    """The user called a command or skill by name: hand its arguments over."""
    name = _text(event.document, "command_name")
    arguments = _text(event.document, "command_args")
    source = _text(event.document, "command_source")
    if name.endswith("meta_experiment"):
        from meta_experiment.protocol.typed import note_typed

        note_typed(name, arguments, event.session, event.now)
    for root in _around(event):
        called = _called(root, name)
        _hand_over(root, called, event, arguments)
        if source in ("", *_SOURCES[root.scope]):
            _announce(root, called, event)
    return ""


def _tool(event: Event) -> str:
    """The model is about to load a skill or to start an agent."""
    given = event.document.get("tool_input")
    if not isinstance(given, dict):
        return ""
    if event.document.get("tool_name") == "Skill":
        return _skill(event, given)
    return _agent(event, given)


def _skill(event: Event, given: dict[str, object]) -> str:
    """Hand the arguments over; allow what was free, by the one name that can only mean it."""
    name = _text(given, "skill").strip().removeprefix("/")
    allowed = ""
    for root in _around(event):
        found = _called(root, name)
        _hand_over(root, found, event, _text(given, "args"))
        _announce(root, found, event)
        for entry in found:
            if not allowed and _may_allow(root, entry, name, event):
                allowed = entry.name
    if not allowed:
        return ""
    reason = "free to use before it came under experiment"
    answer: dict[str, object] = {
        "permissionDecision": "allow",
        "permissionDecisionReason": reason,
    }
    if name != allowed:
        answer["updatedInput"] = {**given, "skill": allowed}
    return _decision(answer)


def _agent(event: Event, given: dict[str, object]) -> str:
    """Remember the prompt for skills that the agent brings along; switch its variant."""
    wanted = _text(given, "subagent_type")
    name = ""
    for root in _around(event):
        try:
            found = _switched(root, wanted, event)
        except (OSError, ValueError) as error:
            _note(root.path, error)
            continue
        # where a root leaves it as it is, another may know it better
        name = found if name in ("", wanted) else name
    if name in ("", wanted):
        return ""
    return _decision({"updatedInput": {**given, "subagent_type": name}})


def _switched(root: Root, wanted: str, event: Event) -> str:
    """Return the agent of a root to be started in the place of the one that is wanted."""
    known = _entries(root)
    agents = [entry for entry in known if entry.kind == AGENT and wanted in _names_of(entry)]
    if not (agents or any(entry.running and entry.kind == SKILL for entry in known)):
        return ""
    session = _remember(root, event)
    # of several in one file, only the one that runs is served
    agents.sort(key=lambda entry: not entry.running)
    if not agents:
        return ""
    _announce(root, agents[:1], event)
    from meta_experiment.live.switching import switched

    return switched(root, agents[0], session, event.turn, event.now)


def _names_of(entry: Entry) -> list[str]:
    """Return the names that mean an agent: those of its copies as long as they are ours."""
    return agent_names(entry.name, entry.arms) if entry.running else [entry.name]


def _stop(event: Event) -> str:
    _close(event, final=False)
    return ""


def _session_end(event: Event) -> str:
    _close(event, final=True)
    return ""


def _asked(event: Event) -> str:
    """Somebody is asked for leave; of the main conversation the client counts that itself."""
    from meta_experiment.live.permission_waits import note_asked

    if event.agent:
        for session in _sessions(event):
            note_asked(session, event.agent, _text(event.document, "tool_name"), event.now)
    return ""


def _ran(event: Event) -> str:
    """A tool has run."""
    from meta_experiment.live.permission_waits import note_ran

    call, took = _text(event.document, "tool_use_id"), event.document.get("duration_ms")
    if event.agent and call and type(took) is int and took >= 0:
        for session in _sessions(event):
            note_ran(session, call, took)
    return ""


def _sessions(event: Event) -> list[Session]:
    """Return what is kept of a session, below each root with prompts that it used."""
    known = [Session(root.path, event.session) for root in roots(data_folder(os.environ))]
    return [session for session in known if os.path.isdir(session.folder)]


def _goes_on(event: Event) -> bool:
    """Tell whether the client goes on in another session, as at `/clear`."""
    return _text(event.document, "reason") in ("clear", "resume")


def _session_start(event: Event) -> str:
    from meta_experiment.live.session_start import session_start

    for root in _around(event):
        _beat(root.path, event.now)
        if event.document.get("source") == "startup":
            _note_begin(root, event)
    if event.document.get("source") == "compact":
        return ""  # in the middle of a turn, where nothing is said and nothing started
    return session_start(event.directory, event.now)


def _note_begin(root: Root, event: Event) -> None:
    """Keep when a client began that knows agents put there a moment ago.

    The transcript tells it too, but may be written after the first agent is started.
    """
    if any(
        entry.kind == AGENT and entry.running and event.now < entry.since + SETTLED
        for entry in _entries(root)
    ):
        try:
            Session(root.path, event.session).write_begin(event.now)
        except (OSError, ValueError) as error:
            _note(root.path, error)


_HANDLERS: dict[str, Callable[[Event], str]] = {
    "SessionStart": _session_start,
    "UserPromptExpansion": _expansion,
    "PreToolUse": _tool,
    "PermissionRequest": _asked,
    "PostToolUse": _ran,
    "PostToolUseFailure": _ran,
    "Stop": _stop,
    "SessionEnd": _session_end,
}
_SOURCES = {  # as the client calls where a command of such a root comes from
    PROJECT: ("projectSettings",),
    USER: ("userSettings",),
    PLUGIN: ("plugin", "projectSettings"),
}


def _close(event: Event, *, final: bool) -> None:
    for root in roots(data_folder(os.environ)):
        session = Session(root.path, event.session)
        if not os.path.isdir(session.folder):
            continue
        _beat(root.path, event.now)
        for where, step in (("hook", _look_after), ("close", _close_below)):
            try:
                step(root, session, event, final)
            except (OSError, ValueError) as error:
                _note(root.path, error, where=where)


def _look_after(root: Root, session: Session, event: Event, final: bool) -> None:
    """Take over what a sandbox kept; see which uses of an answered prompt were missed."""
    take_over(root, session)
    if not final:
        from meta_experiment.live.uses import look_after

        look_after(session, root, event.turn.prompt_id, event.now)
        alone = event.document.get("background_tasks") == []
        drop_answered(session, event.turn.prompt_id, agents=alone)


def _close_below(root: Root, session: Session, event: Event, final: bool) -> None:
    from meta_experiment.live.closing import close_session

    goes_on = final and _goes_on(event)
    if close_session(session, final=final, now=event.now, client_goes_on=goes_on):
        from meta_experiment.live.session_start import after_trials

        after_trials(root.path, event.now, final=final)


def _renew(root: Root, names: list[str]) -> None:
    """Renew the stand-ins of names that nothing served, though an experiment runs."""
    if names:
        from meta_experiment.live.stand_ins import renew

        for entry in entries(root.path):
            if entry.name in names:
                renew(root, entry)


def _remember(root: Root, event: Event) -> Session:
    """Keep which prompt the session is at. Raises OSError, ValueError."""
    _beat(root.path, event.now)
    session = Session(root.path, event.session)
    take_over(root, session)
    _renew(root, drop_broken_off(session, event.turn, event.agent, event.now))
    session.write_turn(event.turn)
    note_client(session, os.environ)
    return session


def _hand_over(root: Root, called: list[Entry], event: Event, arguments: str) -> None:
    """Hand arguments over once for a name, whichever of its experiments will serve it.

    Nothing may serve it, as in the seconds after the experiment began or went on: then too it
    is the end of what was open before.
    """
    for name, entry in {entry.name: entry for entry in called}.items():
        try:
            session = _remember(root, event)
            session.end_task(event.turn.prompt_id)
            hand_over(session, name, event.turn, arguments, event.agent)
        except (OSError, ValueError) as error:
            _note(root.path, error, entry.id)


def _announce(root: Root, called: list[Entry], event: Event) -> None:
    """Keep that prompts are being used; where nothing can be kept, that they were missed."""
    for entry in called:
        try:
            if (entry.running or entry.missing) and _means(root, entry, event.turn.project):
                session = Session(root.path, event.session)
                session.append_use(event.turn.prompt_id, entry.id, root.place)
        except OSError:
            from meta_experiment.protocol.missed import UNWRITABLE, note_missed

            note_missed(root.path, root.place, entry.id, UNWRITABLE, event.now)


def _means(root: Root, entry: Entry, project: str) -> bool:
    """Tell whether a name means a prompt of a root in a session that began in a folder.

    A command of a root below is not loaded there, and the nearest of a name is meant.
    """
    if root.scope != PROJECT or entry.kind == SKILL:
        return True
    place, _ = prompt_of(root, entry, project)
    return is_within(os.path.realpath(project), root.place) and place in (root.place, root.path)


def _around(event: Event) -> list[Root]:
    return roots_around(event.directory, event.turn.project)


def _called(root: Root, name: str) -> list[Entry]:
    """Return the commands and skills of a root that a name of the client's can mean."""
    return [
        entry
        for entry in _entries(root)
        if entry.form in (SHADOW, IN_PLACE) and _is_called(root, entry, name)
    ]


def _is_called(root: Root, entry: Entry, name: str) -> bool:
    """Tell whether a name means a prompt: its own, or one the client takes for it as well."""
    if name == entry.name:
        return True
    plugin, _, bare = entry.name.rpartition(":")
    if root.scope == PLUGIN and name == bare:
        return True
    if entry.form != IN_PLACE:
        return False
    from meta_experiment.protocol.frontmatter import plain_value

    own = plain_value(_stand_in(root, entry), "name")
    return bool(own) and name in (own, f"{plugin}:{own}")


def _stand_in(root: Root, entry: Entry) -> bytes:
    try:
        return read_text(root.path, entry, SHIM)
    except (OSError, TextGoneError):
        return b""


def _may_allow(root: Root, entry: Entry, name: str, event: Event) -> bool:
    """Tell whether a name surely means ours, which was free to use before it was replaced."""
    if not (entry.allow and entry.running):
        return False
    _, found = prompt_of(root, entry, event.turn.project)
    if entry.form == SHADOW and not is_text(entry, ORIGINAL, found):
        return False  # what the user has written there since may be asked for
    path = stand_in_path(root, entry)
    # by whichever link: it is ours
    return is_text(entry, SHIM, read_bytes(path)) and all(
        os.path.realpath(other) == os.path.realpath(path)
        for other in _namesakes(entry, name, event)
        if os.path.exists(other)
    )


def _namesakes(entry: Entry, name: str, event: Event) -> list[str]:
    """Return where prompts would lie that the client takes for a name before ours."""
    home = os.environ.get("CLAUDE_CONFIG_DIR") or os.environ.get("HOME", "") + "/.claude"
    folders = (home, f"{event.turn.project}/.claude", f"{event.directory}/.claude")
    files = {f"skills/{entry.name}/SKILL.md", f"skills/{name}/SKILL.md"}
    if name != entry.name:
        files.add(f"commands/{name.replace(':', '/')}.md")
    return [f"{folder}/{file}" for folder in folders for file in files]


def _entries(root: Root) -> list[Entry]:
    try:
        return entries(root.path)
    except OSError as error:
        _note(root.path, error)
        return []


def _beat(root: str, now: float) -> None:
    """Note that hooks run here."""
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


def _decision(answer: dict[str, object]) -> str:
    return encode({"hookSpecificOutput": {"hookEventName": "PreToolUse", **answer}})


def _note(root: str, error: Exception, experiment_id: str = "", where: str = "hook") -> None:
    from meta_experiment.protocol.faults import note_error

    note_error(root, where, error, experiment_id)


def _text(document: dict[str, object], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""


def _read_all(descriptor: int) -> bytes:
    chunks = []
    while chunk := os.read(descriptor, 1 << 20):
        chunks.append(chunk)
    return b"".join(chunks)
