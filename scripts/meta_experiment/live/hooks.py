"""Hooks of the client: hand arguments over, switch agents, close what is over.

Nothing is printed unless it is an answer, as the client shows it to the model; the exit code
is 0 always, as another would block the user's command. Each event loads what it needs alone.
"""

from __future__ import annotations

import os
import time

from meta_experiment.live.hook_event import HookEvent, note, text_of
from meta_experiment.protocol.json_text import parse_object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> int:
    """Answer one event, read from the standard input."""
    try:
        document = parse_object(_read_all(0).decode("utf-8", "replace"))
        answer = _HANDLERS.get(text_of(document, "hook_event_name"))
        if answer is not None:
            printed = answer(HookEvent(document, time.time()))
            if printed:
                os.write(1, printed.encode())
    except Exception as error:  # noqa: BLE001 - a hook never disturbs the session
        for root in _concerned():
            note(root, error)
    return 0


def _concerned() -> list[str]:
    """Return the roots around the session by its environment alone; "" stands for none."""
    try:
        return [root.path for root in HookEvent({}, 0.0).roots()] or [""]
    except OSError:
        return [""]


def _expansion(event: HookEvent) -> str:
    """The user called a command or skill by name."""
    from meta_experiment.live.prompt_calls import command_called

    command_called(event)
    return ""


def _tool(event: HookEvent) -> str:
    """The model is about to load a skill or to start an agent."""
    arguments = event.document.get("tool_input")
    if not isinstance(arguments, dict):
        return ""
    if event.document.get("tool_name") == "Skill":
        from meta_experiment.live.prompt_calls import skill_called

        return skill_called(event, arguments)
    from meta_experiment.live.agent_calls import agent_called

    return agent_called(event, arguments)


def _asked(event: HookEvent) -> str:
    """Somebody is asked for leave; of the main conversation the client counts that itself."""
    from meta_experiment.live.permission_waits import note_asked

    if event.agent:
        for _, session in event.sessions():
            note_asked(session, event.agent, text_of(event.document, "tool_name"), event.now)
    return ""


def _ran(event: HookEvent) -> str:
    """A tool has run."""
    from meta_experiment.live.permission_waits import note_ran

    call, took = text_of(event.document, "tool_use_id"), event.document.get("duration_ms")
    if event.agent and call and type(took) is int and took >= 0:
        for _, session in event.sessions():
            note_ran(session, call, took)
    return ""


def _session_start(event: HookEvent) -> str:
    from meta_experiment.live.session_start import session_started

    return session_started(event)


def _stop(event: HookEvent) -> str:
    from meta_experiment.live.session_end import prompt_answered

    prompt_answered(event)
    return ""


def _session_end(event: HookEvent) -> str:
    from meta_experiment.live.session_end import session_ended

    session_ended(event)
    return ""


_HANDLERS: dict[str, Callable[[HookEvent], str]] = {
    "SessionStart": _session_start,
    "UserPromptExpansion": _expansion,
    "PreToolUse": _tool,
    "PermissionRequest": _asked,
    "PostToolUse": _ran,
    "PostToolUseFailure": _ran,
    "Stop": _stop,
    "SessionEnd": _session_end,
}


def _read_all(descriptor: int) -> bytes:
    chunks = []
    while chunk := os.read(descriptor, 1 << 20):
        chunks.append(chunk)
    return b"".join(chunks)
