"""Rules and hooks that reach an agent by its name, and so not its renamed variants.

The client applies rules about agents to the name that it is given, and starts the hooks of an
agent's beginning and end by it; a hook may look at the name itself. Where that is so for some
of the names and not for the others, the arms of an experiment would not be alike, and a hook
that guards the agent would be passed by.
"""

from __future__ import annotations

import os

from meta_experiment.protocol.json_text import parse_object
from meta_experiment.protocol.places import client_folder, read_bytes, read_head
from meta_experiment.protocol.settings import restrictions, restricts_agent, settings_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_STARTED_BY_NAME = ("SubagentStart", "SubagentStop")
_TYPE = "agent_type"  # what a hook is told of an agent; `subagent_type` where one is started
_LARGEST = 1 << 20  # bytes of a script that is looked at
_LISTED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-|, ")
_OF_A_NAME = _LISTED - frozenset("|, ")


def telling_apart(
    project: str, names: Collection[str], environment: Mapping[str, str]
) -> Iterator[str]:
    """Yield the files of the client's that tell agents of these names apart.

    Raises OSError, ValueError: a file cannot be read, so that nothing is sure.
    """
    home = environment.get("HOME", "")
    disabled: set[str] = set()
    for path, _ in settings_files(project, home, environment):
        values = _parsed(path)
        if any(restricts_agent(rule, names) for _, rule in restrictions(values)):
            yield path
        for _ in hooks_by_name(values, names, project):
            yield path
        disabled |= disabled_plugins(values)
    config = client_folder(environment, home)
    for path, values, folder in plugin_hooks(config, disabled):
        for _ in hooks_by_name(values, names, project, folder):
            yield path


def hooks_by_name(
    values: Mapping[str, object], names: Collection[str], project: str, plugin: str = ""
) -> Iterator[str]:
    """Yield the hooks in some values that tell agents of these names apart."""
    events = values.get("hooks")
    for event, groups in events.items() if type(events) is dict else ():
        for group in groups if type(groups) is list else ():
            if type(group) is not dict:
                continue
            matcher = group.get("matcher")
            if type(matcher) is str and event in _STARTED_BY_NAME and _parts(matcher, names):
                yield f"a hook of {event} for '{matcher}'"
                continue
            hooks = group.get("hooks")
            for hook in hooks if type(hooks) is list else ():
                if type(hook) is dict and _looks_at(hook, names, project, plugin):
                    yield f"a hook of {event} that looks at the agent's name"


def plugin_hooks(
    config: str, disabled: Collection[str]
) -> Iterator[tuple[str, dict[str, object], str]]:
    """Yield the hooks of installed plugins: their file, its values, the plugin's folder.

    Raises OSError, ValueError.
    """
    listed = _parsed(f"{config}/plugins/installed_plugins.json").get("plugins")
    for name, copies in listed.items() if type(listed) is dict else ():
        for copy in copies if type(copies) is list else [copies]:
            folder = copy.get("installPath") if type(copy) is dict else None
            if type(folder) is str and name not in disabled:
                path = f"{folder}/hooks/hooks.json"
                yield path, _parsed(path), folder


def disabled_plugins(values: Mapping[str, object]) -> set[str]:
    """Return the plugins that a settings file switches off."""
    listed = values.get("enabledPlugins")
    known = listed.items() if type(listed) is dict else ()
    return {name for name, value in known if value is False}


def _parts(matcher: str, names: Collection[str]) -> bool:
    """Tell whether a matcher means some of the names and not the others.

    It is a list of names, or a pattern where it has other letters than those of one. Of a
    name with a colon that is not sure, so that both must agree.
    """
    if matcher in ("", "*"):
        return False
    listed = {part.strip() for part in matcher.replace(",", "|").split("|")}
    if len({name in listed for name in names}) > 1:
        return True
    if _LISTED.issuperset(matcher):
        return False
    import re

    try:
        return len({re.search(matcher, name) is not None for name in names}) > 1
    except re.error:
        return False  # the client passes it over


def _looks_at(
    hook: Mapping[str, object], names: Collection[str], project: str, plugin: str
) -> bool:
    """Tell whether a hook speaks of one of these agents, as its text and scripts show."""
    condition = hook.get("if")
    if type(condition) is str and _says(condition, names) and restricts_agent(condition, names):
        return True
    asked = hook.get("prompt")
    if type(asked) is str and _says(asked, names):
        return True
    arguments = hook.get("args")
    words = [hook.get("command"), *(arguments if type(arguments) is list else ())]
    text = " ".join(word for word in words if type(word) is str)
    if _TYPE in text and _says(text, names):
        return True
    return any(
        _TYPE in script and _says(script, names)
        for script in map(_text, _files(text, project, plugin))
    )


def _says(text: str, names: Collection[str]) -> bool:
    """Tell whether a text holds one of some names as a whole word."""
    for name in names:
        at = text.find(name)
        while at >= 0:
            around = text[at - 1 : at] + text[at + len(name) : at + len(name) + 1]
            if _OF_A_NAME.isdisjoint(around):
                return True
            at = text.find(name, at + 1)
    return False


def _files(text: str, project: str, plugin: str) -> Iterator[str]:
    """Yield the files that the words of a command name."""
    known = {"CLAUDE_PROJECT_DIR": project, "CLAUDE_PLUGIN_ROOT": plugin}
    known["HOME"] = os.environ.get("HOME", "")
    for name, value in known.items():
        for spelled in ("${" + name + "}", f"${name}"):
            text = text.replace(spelled, value) if value else text
    for word in _words(text):
        path = os.path.join(project, os.path.expanduser(word))
        if os.path.isfile(path):
            yield path


def _words(text: str) -> list[str]:
    """Return the words of a command, as a shell divides them."""
    import shlex

    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        return list(lexer)
    except ValueError:  # a quote that does not close
        return text.split()


def _text(path: str) -> str:
    try:
        return read_head(path, _LARGEST).decode("utf-8", "replace")
    except OSError:
        return ""


def _parsed(path: str) -> dict[str, object]:
    data = read_bytes(path)
    return parse_object(data.decode("utf-8", "replace")) if data else {}
