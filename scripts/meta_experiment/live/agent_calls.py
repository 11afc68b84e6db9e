"""Agents that the model starts: their variants take their place."""

from __future__ import annotations

from meta_experiment.live.hook_event import entries_of, note, text_of
from meta_experiment.live.prompt_uses import announce, decision, remember
from meta_experiment.protocol.index import AGENT, SKILL, agent_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from meta_experiment.live.hook_event import HookEvent
    from meta_experiment.protocol.index import Entry
    from meta_experiment.protocol.places import Root


def agent_called(event: HookEvent, tool_input: dict[str, object]) -> str:
    """Remember the prompt, for skills that the agent brings along; switch its variant."""
    wanted = text_of(tool_input, "subagent_type")
    name = ""
    for root in event.roots():
        try:
            found = _switched(root, wanted, event, text_of(tool_input, "prompt"))
        except (OSError, ValueError) as error:
            note(root.path, error)
            continue
        # where a root leaves it as it is, another may know it better
        name = found if name in ("", wanted) else name
    if name in ("", wanted):
        return ""
    return decision({"updatedInput": {**tool_input, "subagent_type": name}})


def _switched(root: Root, wanted: str, event: HookEvent, task: str) -> str:
    """Return the agent of a root to be started on a task in the place of the wanted one."""
    known = entries_of(root)
    agents = [entry for entry in known if entry.kind == AGENT and wanted in _names_of(entry)]
    if not (agents or any(entry.running and entry.kind == SKILL for entry in known)):
        return ""
    session = remember(root, event)
    # of several in one file, only the one that runs is served
    agents.sort(key=lambda entry: not entry.running)
    if not agents:
        return ""
    announce(root, agents[:1], event)
    from meta_experiment.live.switching import switched

    return switched(root, agents[0], session, event.prompt, event.now, task)


def _names_of(entry: Entry) -> list[str]:
    """Return the names that mean an agent: those of its copies as long as they are ours."""
    return agent_names(entry.name, entry.arms) if entry.running else [entry.name]
