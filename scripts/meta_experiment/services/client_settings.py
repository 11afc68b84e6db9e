"""What the client's own settings forbid: read from every file it reads, never changed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

_LARGEST = 1024 * 1024
_MANAGED = {
    "darwin": "/Library/Application Support/ClaudeCode",
    "win32": "C:\\Program Files\\ClaudeCode",
}
_MANAGED_ELSEWHERE = "/etc/claude-code"
# What an injected line runs; a rule against any of them makes the client abort the command.
_RUN = ("serve-variant x@y z", "cat x", 'echo "x"')
_READ = ".claude/meta/local/live/x/control.md"


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """One settings file; `error` says why it could not be read."""

    path: Path
    managed: bool
    values: Mapping[str, Any]
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """All settings files that apply to a root, the strongest first."""

    files: tuple[SettingsFile, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in the settings that would break serving, and what to do about it."""

    message: str
    fix: str


def read_settings(root: Path, home: Path, environment: Mapping[str, str]) -> ClientSettings:
    """Read what the client would read when it is started in a root; missing files are none."""
    folder = environment.get("CLAUDE_CONFIG_DIR")
    user = Path(folder) if folder else home / ".claude"
    managed = Path(_MANAGED.get(sys.platform, _MANAGED_ELSEWHERE))
    places = [(managed / "managed-settings.json", True)]
    places += [(path, True) for path in _below(managed / "managed-settings.d")]
    if root.resolve() != home.resolve():
        places += [
            (root / ".claude" / name, False)
            for name in ("settings.local.json", "settings.json")
        ]
    places.append((user / "settings.json", False))
    read = (_read(path, managed=strong) for path, strong in places)
    return ClientSettings(tuple(item for item in read if item is not None))


def obstacles(settings: ClientSettings, *, hooks_only: bool = False) -> list[Finding]:
    """Say what in the settings would keep a prompt from being served or observed.

    `hooks_only` for agents, whose variants are chosen by a hook and injected by nothing.
    """
    return [
        finding
        for file in settings.files
        for finding in _obstacles(file, hooks_only=hooks_only)
    ]


def _obstacles(file: SettingsFile, *, hooks_only: bool) -> Iterator[Finding]:
    if file.error is not None:
        yield Finding(f"{file.path} {file.error}.", f"Correct {file.path}.")
    for key, what in _SWITCHES.items():
        if hooks_only and "Hooks" not in key:
            continue
        if file.values.get(key) is True and (
            file.managed or not key.startswith("allowManaged")
        ):
            yield Finding(f"{file.path} sets {key}: {what}.", _way_out(file, f"Remove {key}"))
    for name, rule in () if hooks_only else _rules(file.values):
        if _hits(rule):
            yield Finding(
                f"{file.path} has the {name} rule '{rule}', with which the client aborts every "
                "command whose text is served.",
                _way_out(file, f"Remove or narrow the rule '{rule}'"),
            )


_SWITCHES = {
    "disableSkillShellExecution": "no command or skill may run the line that serves a variant",
    "disableAllHooks": "no hook may run, so that nothing would be observed",
    "allowManagedHooksOnly": "hooks of plugins do not run, so that nothing would be observed",
    "allowManagedPermissionRulesOnly": (
        "the permission that a prompt file gives the line that serves a variant does not count"
    ),
}


def _rules(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    permissions = values.get("permissions")
    for name in ("deny", "ask"):
        rules = permissions.get(name) if isinstance(permissions, Mapping) else None
        for rule in rules if isinstance(rules, list) else ():
            if isinstance(rule, str):
                yield name, rule


def _hits(rule: str) -> bool:
    """Tell whether a rule speaks of what the injected line does."""
    tool, _, rest = rule.strip().partition("(")
    pattern = rest.removesuffix(")").strip() if rest else "*"
    if tool == "Bash":
        return any(_matches(pattern, command) for command in _RUN)
    if tool == "Read":
        return pattern == "*" or fnmatchcase(_READ, pattern.removeprefix("./"))
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


def _below(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".json")
    except OSError:
        return []


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
