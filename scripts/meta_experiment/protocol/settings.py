"""The client's settings files, and what their rules say of an agent; read, never changed."""

from __future__ import annotations

import os
import sys

from meta_experiment.protocol.places import client_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_MANAGED = {
    "darwin": "/Library/Application Support/ClaudeCode",
    "win32": "C:\\Program Files\\ClaudeCode",
}
_MANAGED_ELSEWHERE = "/etc/claude-code"
_AGENT_TOOLS = ("Agent", "Task")


def settings_files(
    project: str, home: str, environment: Mapping[str, str]
) -> list[tuple[str, bool]]:
    """Return what the client reads in a project, the strongest first, and whether managed."""
    managed = _MANAGED.get(sys.platform, _MANAGED_ELSEWHERE)
    user = client_folder(environment, home)
    found = [(f"{managed}/managed-settings.json", True)]
    found += [(path, True) for path in _below(f"{managed}/managed-settings.d")]
    if os.path.realpath(project) != os.path.realpath(home):
        names = ("settings.local.json", "settings.json")
        found += [(f"{project}/.claude/{name}", False) for name in names]
    return [*found, (f"{user}/settings.json", False)]


def restrictions(values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Return the rules of a settings file that forbid something or have it asked for."""
    permissions = values.get("permissions")
    for name in ("deny", "ask"):
        rules = permissions.get(name) if isinstance(permissions, dict) else None
        for rule in rules if isinstance(rules, list) else ():
            if isinstance(rule, str):
                yield name, rule


def restricts_agent(rule: str, names: Collection[str]) -> bool:
    """Tell whether a rule speaks of one of these agents, or of all."""
    tool, _, rest = rule.strip().partition("(")
    return tool in _AGENT_TOOLS and (not rest or rest.removesuffix(")") in ("*", *names))


def _below(folder: str) -> list[str]:
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return [f"{folder}/{name}" for name in sorted(names) if name.endswith(".json")]
