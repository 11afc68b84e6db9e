"""The places where the client meets the prompt files of a root, links followed."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from meta_experiment.errors import as_word
from meta_experiment.files.confine import real_path
from meta_experiment.files.roots import owner
from meta_experiment.prompts.frontmatter import read_frontmatter
from meta_experiment.prompts.identity import PromptKind
from meta_experiment.prompts.place import FOLDERS, PromptPlace, locate
from meta_experiment.protocol import places

_PROMPT, _SKILL = ".md", "SKILL.md"


def scope_of(root: Path) -> str:
    """Say whether a root is a user's home, a plugin's repository or a project."""
    if root.resolve() == Path.home().resolve():
        return places.USER
    return places.PLUGIN if plugin_name(root) else places.PROJECT


def plugin_name(root: Path) -> str:
    """Return the name of the plugin whose repository a root is, "" when it is none.

    Without `.claude-plugin/plugin.json` the client takes the folder's name.
    """
    manifest = root / ".claude-plugin" / "plugin.json"
    if not manifest.is_file():
        return root.resolve().name if (root / "plugin.json").is_file() else ""
    try:
        name = json.loads(manifest.read_bytes()).get("name")
    except (OSError, ValueError, AttributeError, RecursionError):
        name = None
    return name if isinstance(name, str) and name else root.resolve().name


def place_of(root: Path, path: str) -> PromptPlace | None:
    """Say what the client makes of a file below a root, also where a link leads it there."""
    plugin = plugin_name(root)
    found = locate(path, plugin)
    if found is not None:
        return found
    real = os.path.realpath(root / path)
    met = (name for name in _met(root, plugin) if os.path.realpath(root / name) == real)
    return next((place for name in met if (place := locate(name, plugin))), None)


def call_of(root: Path, path: str) -> str:
    """Return the name by which the client calls a prompt file of a root; "" when by none."""
    place = place_of(root, path)
    if place is None or place.kind is not PromptKind.AGENT:
        return place.call if place is not None else ""
    name = read_frontmatter(places.try_read(root / path) or b"").fields.get("name")
    prefix = f"{place.plugin}:" if place.plugin else ""
    return prefix + name if isinstance(name, str) and name else place.call


def why_not_loaded(root: Path, path: str) -> str:
    """Say of a file that has no place in a root why the client does not take it from there."""
    own = owner(root / path, root)
    if own is not None and own != root:
        inner = (root / path).relative_to(own).as_posix()
        if place_of(own, inner) is not None:
            return (
                f"{as_word(path)} belongs to a root of its own, and the client loads it in "
                f"sessions there (--root {shlex.quote(str(own))})"
            )
    return (
        f"{as_word(path)} lies in no folder from which the client loads commands, skills or "
        "agents"
    )


def shadow_path(root: Path, name: str) -> str:
    """Return where the skill lies that goes before the command of a name.

    Raises:
        UnsafePathError: the folder of skills is a link out of the root.
    """
    return f"{real_path(root, '.claude/skills')}/{name}/{_SKILL}"


def state_path(root: Path) -> str:
    """Return where our state lies below a root: rules of the client name no links.

    Raises:
        UnsafePathError: `.claude` is a link out of the root.
    """
    return f"{real_path(root, '.claude')}/meta"


def _met(root: Path, plugin: str) -> Iterator[str]:
    """Yield the paths at which the client finds prompt files in a root."""
    for start in (".claude", *([""] if plugin else [])):
        for folder in FOLDERS:
            top = root / start / folder
            files = _skills(top) if folder == "skills" else _texts(top)
            for file in files:
                yield file.relative_to(root).as_posix()


def _skills(folder: Path) -> Iterator[Path]:
    yield from sorted(folder.glob(f"*/{_SKILL}"))


def _texts(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        yield from (Path(place, name) for name in sorted(names) if name.endswith(_PROMPT))
