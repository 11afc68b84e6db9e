"""Identity of a prompt file: what the client makes of it, by its path."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import PurePosixPath

from meta_experiment.errors import RefusedError
from meta_experiment.records import dataclass

SKILL = "SKILL.md"


class PromptKind(StrEnum):
    """Kind of a prompt file to the client."""

    COMMAND = "command"
    SKILL = "skill"
    AGENT = "agent"
    OTHER = "prompt file"


@dataclass(frozen=True, slots=True)
class PromptIdentity:
    """Kind and name of a prompt file, as a user would call it."""

    kind: PromptKind
    name: str


_TEXT = {".md", ".mdc", ".markdown", ".rst", ".txt", ".prompt", ".j2", ".jinja", ".jinja2"}
_YAML = {".yaml", ".yml"}
_RULES = {".clinerules", ".cursorrules", ".goosehints", ".windsurfrules"}
_BUILT = {"cmakelists.txt", "constraints.txt", "requirements.txt"}
_PROMPT_WORD = re.compile(r"prompt|workflow|agent|skill|command|instruction")


def require_files(paths: Iterable[str], prompts: Sequence[str]) -> None:
    """Refuse a file that is neither a text for a model nor in the folder of a skill.

    `prompts` are the prompt files of the experiment: a skill among them brings its folder.

    Raises:
        RefusedError: as `require_text`.
    """
    for path in paths:
        if skill_around(path, prompts) is None:
            require_text(path)


def skill_around(path: str, prompts: Iterable[str]) -> str | None:
    """Return the SKILL.md among prompt files whose folder holds another file, if one does."""
    return next(
        (
            prompt
            for prompt in prompts
            if prompt != path
            and (folder := skill_folder(prompt)) is not None
            and path.startswith(f"{folder}/")
        ),
        None,
    )


def skill_folder(path: str) -> str | None:
    """Return the folder that a SKILL.md brings along; None for all that has none.

    A hidden folder is one of settings, unless it is one of skills.
    """
    *folders, name = PurePosixPath(path).parts
    if name != SKILL or not folders:
        return None
    if folders[-2:-1] != ["skills"] and any(part.startswith(".") for part in folders):
        return None
    return "/".join(folders)


def require_text(path: str) -> None:
    """Refuse a file (path with `/`) that a program executes or takes its settings from.

    Raises:
        RefusedError: its name is not that of a text for a model.
    """
    folded = path.casefold()
    name, ending = PurePosixPath(folded).name, PurePosixPath(folded).suffix
    text = ending in _TEXT and name not in _BUILT
    yaml = ending in _YAML and bool(_PROMPT_WORD.search(folded))
    if name not in _RULES and not text and not (yaml and not _is_run(folded)):
        raise RefusedError(
            f"{path} is no prompt file by its name: a program may run it or take its settings "
            "from it. Expected a text for a model, such as Markdown, or YAML whose path names "
            "a prompt, workflow or agent.",
            hint="Name a command, a skill, an agent or another prompt file.",
        )


def _is_run(path: str) -> bool:
    """Tell whether YAML is what a build service runs, or the hidden settings of a tool."""
    return path.startswith(".github/workflows/") or PurePosixPath(path).name.startswith(".")


def identify(path: str) -> PromptIdentity:
    """Say what the prompt file at a path (with `/`) is and what it is called.

    A command in a subfolder has the folder in its name, as in `/git:review`.
    """
    parts = PurePosixPath(path).parts
    stem = PurePosixPath(path).stem
    if parts[-1] == SKILL and len(parts) > 1:
        return PromptIdentity(PromptKind.SKILL, parts[-2])
    for folder, kind in (("commands", PromptKind.COMMAND), ("agents", PromptKind.AGENT)):
        if folder in parts[:-1]:
            first = parts.index(folder) + 1
            return PromptIdentity(kind, ":".join((*parts[first:-1], stem)))
    return PromptIdentity(PromptKind.OTHER, stem)
