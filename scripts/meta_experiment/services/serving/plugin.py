"""Does the client know the plugin, whose hooks and `serve-variant` serve a prompt?"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from meta_experiment.files.machine import Machine
from meta_experiment.files.pack import is_around, plugin_folder
from meta_experiment.protocol import places
from meta_experiment.records import dataclass
from meta_experiment.services.serving.client_settings import ClientSettings, read_settings

_NAME = "meta-experiment"


@dataclass(frozen=True, slots=True)
class InstalledPlugin:
    """The plugin as the client runs it: its folder, and its version there."""

    folder: Path
    version: str


def installed_plugin(machine: Machine) -> InstalledPlugin | None:
    """Return the plugin that the client runs; None when nothing tells where it is.

    Within a session it is what stands on its PATH, else what the client has on record.
    """
    found = loaded_from(machine.environment) if machine.environment.get("CLAUDECODE") else None
    folders = [Path(found).resolve().parents[1]] if found else _on_record(machine.client)
    for folder in folders:
        manifest = _document(folder / ".claude-plugin" / "plugin.json")
        if manifest.get("name") == _NAME and isinstance(manifest.get("version"), str):
            return InstalledPlugin(folder, manifest["version"])
    return None


def _on_record(client: Path) -> Iterator[Path]:
    """Yield where the client may read it: a marketplace that is a folder before a copy."""
    record = client / "plugins"
    known = _document(record / "known_marketplaces.json")
    listed = _document(record / "installed_plugins.json").get("plugins")
    for name, copies in listed.items() if isinstance(listed, dict) else ():
        if name.partition("@")[0] != _NAME:
            continue
        marketplace = known.get(name.partition("@")[2])
        source = marketplace.get("source") if isinstance(marketplace, dict) else None
        if isinstance(source, dict) and source.get("source") == "directory":
            yield Path(str(source.get("path")))
        for copy in copies if isinstance(copies, list) else ():
            if isinstance(copy, dict) and isinstance(copy.get("installPath"), str):
                yield Path(copy["installPath"])


def _document(file: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        document = json.loads(places.read_text(str(file)))
        if isinstance(document, dict):
            return document
    return {}


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
    if not is_around():
        return "meta-experiment plugin --to DIR writes it, and says how the client takes it."
    folder = plugin_folder()
    known = folder.parent.parent.parent.name == "cache" or folder.parent.name == "marketplaces"
    add = "" if known else f"/plugin marketplace add {folder}, then "
    return (
        f"In Claude Code: {add}/plugin install {_NAME}@{_NAME}, "
        "then /reload-plugins or a new session."
    )
