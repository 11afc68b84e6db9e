"""Settings of the client that forbid serving: read from every file, never changed."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from meta_experiment.protocol.by_name import disabled_plugins, hooks_by_name, plugin_hooks
from meta_experiment.protocol.places import client_folder
from meta_experiment.protocol.settings import restrictions, restricts_agent, settings_files
from meta_experiment.records import dataclass

_LARGEST = 1024 * 1024
# What an injected line runs; a rule against any of them makes the client abort the command.
_RUN = ("serve-variant x@y z", "cat x", 'echo "x"')


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """File of settings; `error` says why it could not be read."""

    path: Path
    managed: bool
    values: Mapping[str, Any]
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """All settings files that apply to a root, the strongest first.

    `config` is the client's own folder.
    """

    files: tuple[SettingsFile, ...]
    root: Path
    config: Path
    home: Path


@dataclass(frozen=True, slots=True)
class SettingsObstacle:
    """Something in the settings that would break serving, and what to do about it."""

    message: str
    fix: str


def read_settings(root: Path, home: Path, environment: Mapping[str, str]) -> ClientSettings:
    """Read what the client would read when it is started in a root; missing files are none."""
    files = settings_files(str(root), str(home), environment)
    read = (_read(Path(path), managed=strong) for path, strong in files)
    config = Path(client_folder(environment, str(home)))
    return ClientSettings(tuple(item for item in read if item is not None), root, config, home)


def obstacles(
    settings: ClientSettings, *, agents: Collection[str] = (), hooks_only: bool = False
) -> list[SettingsObstacle]:
    """Say what in the settings would keep a prompt from being served or observed.

    `agents` are the names of those under experiment and of their variants; `hooks_only` where
    there is nothing else: a hook chooses their variants, and nothing is injected.
    """
    found = [
        finding
        for file in settings.files
        for finding in _obstacles(file, agents, hooks_only=hooks_only)
    ]
    return [*found, *_by_name(settings, agents)] if agents else found


def denies_reading(settings: ClientSettings, root: str, path: str) -> bool:
    """Tell whether a rule may deny the client to print a file, when it is started in a root.

    In doubt it does: a step of the injected line is left out then, and never the line aborted.
    """
    home = os.path.realpath(settings.home)
    return any(
        name == "deny" and _covers(rule, path, root=root, home=home)
        for file in settings.files
        for name, rule in restrictions(file.values)
    )


def _covers(rule: str, path: str, *, root: str, home: str) -> bool:
    """Match a rule's pattern as git's ignore files do, a star for anything (observed)."""
    tool, _, rest = rule.strip().partition("(")
    if tool != "Read" or not rest:
        return False
    pattern, around = rest.removesuffix(")").strip(), glob.escape(root)
    if pattern.startswith("//"):
        pattern = pattern[1:]
    elif pattern.startswith("~/"):
        pattern = glob.escape(home) + pattern[1:]
    elif "/" in pattern.rstrip("/"):
        pattern = f"{around}/{pattern.removeprefix('./').removeprefix('/')}"
    else:
        pattern = f"{around}/**/{pattern}"
    pattern = pattern.replace("**/", "*").rstrip("/")
    whole = path if path.startswith("/") else f"{root}/{path}"
    return fnmatchcase(whole, pattern) or fnmatchcase(whole, f"{pattern}/*")


def _obstacles(
    file: SettingsFile, agents: Collection[str], *, hooks_only: bool
) -> Iterator[SettingsObstacle]:
    if file.error is not None:
        yield SettingsObstacle(f"{file.path} {file.error}.", f"Correct {file.path}.")
    for key, what in _SWITCHES.items():
        if hooks_only and "Hooks" not in key:
            continue
        if file.values.get(key) is True and (
            file.managed or not key.startswith("allowManaged")
        ):
            yield SettingsObstacle(
                f"{file.path} sets {key}: {what}.", _way_out(file, f"Remove {key}")
            )
    for name, rule in restrictions(file.values):
        if agents and restricts_agent(rule, agents):
            what = "which the client would not apply to the variants of an agent"
        elif not hooks_only and _hits(rule):
            what = "with which the client aborts every command whose text is served"
        else:
            continue
        yield SettingsObstacle(
            f"{file.path} has the {name} rule '{rule}', {what}.",
            _way_out(file, f"Remove or narrow the rule '{rule}'"),
        )


def _by_name(settings: ClientSettings, agents: Collection[str]) -> Iterator[SettingsObstacle]:
    """Name the hooks that would work for some versions of an agent and not for the others."""
    root, name = str(settings.root), min(agents, key=len)
    off: set[str] = set()
    hooks = [(str(file.path), file.values, "") for file in settings.files]
    for file in settings.files:
        off |= disabled_plugins(file.values)
    try:
        hooks += plugin_hooks(str(settings.config), off)
    except (OSError, ValueError) as error:
        yield SettingsObstacle(
            f"The hooks of plugins cannot be read: {error}.", "Correct that file."
        )
    for path, values, plugin in hooks:
        for what in hooks_by_name(values, agents, root, plugin):
            yield SettingsObstacle(
                f"{path} has {what}. While it is under experiment the versions of an agent "
                "have names of their own, so that it would not work for all of them alike.",
                f"Let it mean {name} and {name}-… alike, or take it away for the time.",
            )


_SWITCHES = {
    "disableSkillShellExecution": "no command or skill may run the line that serves a variant",
    "disableAllHooks": "no hook may run, so that nothing would be observed",
    "allowManagedHooksOnly": "hooks of plugins do not run, so that nothing would be observed",
    "allowManagedPermissionRulesOnly": (
        "the permission that a prompt file gives the line that serves a variant does not count"
    ),
}


def _hits(rule: str) -> bool:
    """Tell whether a rule speaks of what the injected line does."""
    tool, _, rest = rule.strip().partition("(")
    pattern = rest.removesuffix(")").strip() if rest else "*"
    if tool == "Bash":
        return any(_matches(pattern, command) for command in _RUN)
    return False


def _matches(pattern: str, command: str) -> bool:
    if pattern.endswith(":*"):
        start = pattern.removesuffix(":*")
        return command == start or command.startswith(f"{start} ")
    return fnmatchcase(command, pattern)


def _way_out(file: SettingsFile, what: str) -> str:
    if file.managed:
        return f"{file.path} is managed: ask who administers this machine."
    return f"{what} in {file.path}."


def _read(path: Path, *, managed: bool) -> SettingsFile | None:
    try:
        with path.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        reason = error.strerror or os.strerror(error.errno or 0)
        return SettingsFile(path, managed, {}, f"cannot be read ({reason})")
    try:
        values = json.loads(data) if len(data) <= _LARGEST else None
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        return SettingsFile(path, managed, {}, "is not a JSON object, so its rules are unknown")
    return SettingsFile(path, managed, values)
