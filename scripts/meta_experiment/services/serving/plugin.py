"""Does the client know the plugin, whose hooks and `serve-variant` serve a prompt?"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from meta_experiment.files.machine import Machine
from meta_experiment.files.pack import plugin_folder
from meta_experiment.protocol import places
from meta_experiment.services.serving.client_settings import ClientSettings, read_settings

_NAME = "meta-experiment"


def loaded_from(environment: Mapping[str, str]) -> str | None:
    """Return the `serve-variant` on the PATH of the session that called this program."""
    return shutil.which("serve-variant", path=environment.get("PATH"))


def is_enabled(settings: ClientSettings) -> bool | None:
    """Tell what the client's settings say of it; None when they say nothing."""
    for file in settings.files:
        listed = file.values.get("enabledPlugins")
        for name, value in listed.items() if isinstance(listed, Mapping) else ():
            if str(name).partition("@")[0] == _NAME:
                return value is not False
    return None


def plugin_needed(root: Path, machine: Machine) -> str:
    """Say what to type where nothing shows that the client has it; else nothing."""
    settings = read_settings(root, machine.home, machine.environment)
    return "" if _is_known(settings, machine) else f" It needs the plugin. {how_to_load()}"


def _is_known(settings: ClientSettings, machine: Machine) -> bool:
    if machine.environment.get("CLAUDECODE"):
        return loaded_from(machine.environment) is not None
    enabled = is_enabled(settings)
    if enabled is not None:
        return enabled
    listed = places.roots(machine.data)
    return any(Path(places.heartbeat(root.path)).exists() for root in listed)


def how_to_load() -> str:
    """Say what to type so that the client has it."""
    folder = plugin_folder()
    known = folder.parent.parent.parent.name == "cache" or folder.parent.name == "marketplaces"
    add = "" if known else f"/plugin marketplace add {folder}, then "
    return (
        f"In Claude Code: {add}/plugin install {_NAME}@{_NAME}, "
        "then /reload-plugins or a new session."
    )
