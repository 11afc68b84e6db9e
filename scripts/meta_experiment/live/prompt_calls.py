"""Commands and skills that are called by name: their arguments are handed over."""

from __future__ import annotations

import os

from meta_experiment.live.around import prompt_of, stand_in_path
from meta_experiment.live.handovers import hand_over
from meta_experiment.live.hook_event import entries_of, note, text_of
from meta_experiment.live.prompt_uses import announce, decision, remember
from meta_experiment.protocol.index import IN_PLACE, SHADOW
from meta_experiment.protocol.places import PLUGIN, PROJECT, USER, client_folder, read_bytes
from meta_experiment.protocol.texts import ORIGINAL, SHIM, TextGoneError, is_text, read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from meta_experiment.live.hook_event import HookEvent
    from meta_experiment.protocol.index import Entry
    from meta_experiment.protocol.places import Root

_SOURCES = {  # as the client calls where a command of such a root comes from
    PROJECT: ("projectSettings",),
    USER: ("userSettings",),
    PLUGIN: ("plugin", "projectSettings"),
}


def command_called(event: HookEvent) -> None:
    """Hand the arguments over of a command or skill that the user called by name."""
    name = text_of(event.document, "command_name")
    arguments = text_of(event.document, "command_args")
    source = text_of(event.document, "command_source")
    if name.endswith("meta_experiment"):
        from meta_experiment.protocol.typed import note_typed

        note_typed(name, arguments, event.session, event.now)
    for root in event.roots():
        called = _called(root, name)
        _hand_over(root, called, event, arguments)
        if source in ("", *_SOURCES[root.scope]):
            announce(root, called, event)


def skill_called(event: HookEvent, tool_input: dict[str, object]) -> str:
    """Hand arguments over; return leave for what was free, by a name that only means it."""
    name = text_of(tool_input, "skill").strip().removeprefix("/")
    allowed = ""
    for root in event.roots():
        found = _called(root, name)
        _hand_over(root, found, event, text_of(tool_input, "args"))
        announce(root, found, event)
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
        answer["updatedInput"] = {**tool_input, "skill": allowed}
    return decision(answer)


def _called(root: Root, name: str) -> list[Entry]:
    """Return the commands and skills of a root that a name of the client's can mean."""
    return [
        entry
        for entry in entries_of(root)
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


def _may_allow(root: Root, entry: Entry, name: str, event: HookEvent) -> bool:
    """Tell whether a name surely means ours, which was free to use before it was replaced."""
    if not (entry.allow and entry.running):
        return False
    _, found = prompt_of(root, entry, event.prompt.project)
    if entry.form == SHADOW and not is_text(entry, ORIGINAL, found):
        return False  # what the user has written there since may be asked for
    path = stand_in_path(root, entry)
    # by whichever link: it is ours
    return is_text(entry, SHIM, read_bytes(path)) and all(
        os.path.realpath(other) == os.path.realpath(path)
        for other in _namesakes(entry, name, event)
        if os.path.exists(other)
    )


def _namesakes(entry: Entry, name: str, event: HookEvent) -> list[str]:
    """Return where prompts would lie that the client takes for a name before ours."""
    folders = (
        client_folder(os.environ),
        f"{event.prompt.project}/.claude",
        f"{event.directory}/.claude",
    )
    files = {f"skills/{entry.name}/SKILL.md", f"skills/{name}/SKILL.md"}
    if name != entry.name:
        files.add(f"commands/{name.replace(':', '/')}.md")
    return [f"{folder}/{file}" for folder in folders for file in files]


def _hand_over(root: Root, called: list[Entry], event: HookEvent, arguments: str) -> None:
    """Hand arguments over once for a name, whichever of its experiments will serve it.

    Nothing may serve it, as in the seconds after the experiment began or went on: then too it
    is the end of what was open before.
    """
    for name, entry in {entry.name: entry for entry in called}.items():
        try:
            session = remember(root, event)
            session.end_task(event.prompt.prompt_id)
            hand_over(session, name, event.prompt, arguments, event.agent)
        except (OSError, ValueError) as error:
            note(root.path, error, entry.id)
