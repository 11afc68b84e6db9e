"""The places where the client looks for prompt files, and the names it calls them by."""

from __future__ import annotations

from pathlib import PurePosixPath

from meta_experiment.prompts.identity import PromptKind
from meta_experiment.records import dataclass

UNLOADED = "<>"  # the client leaves out commands and skills with these in their names
_INSTALLED = ("cache", "marketplaces")
FOLDERS = ("commands", "skills", "agents")  # in which the client looks for prompt files


@dataclass(frozen=True, slots=True)
class PromptPlace:
    """A prompt file that the client knows: `call` is what a user types after the slash.

    `plugin` is the plugin whose file it is, "" for a project's or a user's own; `path` is
    where the client meets it.
    """

    kind: PromptKind
    call: str
    plugin: str
    path: str


def locate(path: str, plugin: str) -> PromptPlace | None:
    """Say what the client makes of a file below a root (path with `/`); None: nothing.

    `plugin` is the name of the plugin that the root holds, "" where it holds none.
    """
    parts = PurePosixPath(path).parts
    if parts[0] != ".claude":
        return _loaded(path, parts, plugin) if plugin else None
    if len(parts) > 2 and parts[1] == "plugins" and parts[2] in _INSTALLED:
        return _installed(path, parts[3:])
    return _loaded(path, parts[1:], "")


def _installed(path: str, parts: tuple[str, ...]) -> PromptPlace | None:
    """Say the same of a file in the client's own copies, as MARKET/PLUGIN/VERSION/commands/x.

    Its plugin is called by the folder that holds it: no experiment gets to use that name.
    """
    starts = [number for number, part in enumerate(parts) if part in FOLDERS]
    found = (_loaded(path, parts[number:], parts[number - 1]) for number in starts if number)
    return next((place for place in found if place), None)


def _loaded(path: str, inner: tuple[str, ...], owner: str) -> PromptPlace | None:
    if len(inner) < 2 or not inner[-1].endswith(".md"):
        return None
    prefix = f"{owner}:" if owner else ""
    folder, last = inner[0], inner[-1].removesuffix(".md")
    match folder:
        case "commands":
            call = prefix + ":".join((*inner[1:-1], last))
            return PromptPlace(PromptKind.COMMAND, call, owner, path)
        case "skills" if len(inner) == 3 and inner[-1] == "SKILL.md":
            return PromptPlace(PromptKind.SKILL, prefix + inner[1], owner, path)
        case "agents":
            return PromptPlace(PromptKind.AGENT, prefix + last, owner, path)
    return None


def is_installed_copy(absolute: str) -> bool:
    """Tell whether a file belongs to an installed plugin, whose updates replace it."""
    parts = PurePosixPath(absolute).parts
    return any(
        parts[number : number + 2] == (".claude", "plugins") and parts[number + 2] in _INSTALLED
        for number in range(len(parts) - 2)
    )
