"""The file of an agent's treatment, which stands beside the control under a name of its own."""

from __future__ import annotations

import json
import re

from meta_experiment.errors import RefusedError
from meta_experiment.prompts.frontmatter import cut, read_frontmatter

_NAME = re.compile(r"^name[ \t]*:[^\r\n]*", re.MULTILINE)
_DESCRIPTION = re.compile(
    r"^description[ \t]*:[^\r\n]*(?:\r?\n(?:[ \t]+[^\r\n]*)?(?=\r?\n))*", re.MULTILINE
)


def beside(path: str, arm: str) -> str:
    """Return the path of the file that holds an arm of the agent at a path."""
    return f"{path.removesuffix('.md')}-{arm}.md"


def agent_name(data: bytes) -> str:
    """Return the name by which the client calls an agent.

    Raises:
        RefusedError: its frontmatter has none.
    """
    read = read_frontmatter(data)
    name = read.fields.get("name")
    if read.error and (line := _NAME.search(cut(data)[0].decode("utf-8", "replace"))):
        name = line[0].partition(":")[2].strip()
    if not isinstance(name, str) or not re.fullmatch(r"[\w.-]+", name):
        raise RefusedError(
            "The agent's frontmatter has no plain `name`, so the client does not know it.",
            hint="Give it a name, or start with --manual.",
        )
    return name


def agent_under(data: bytes, control: str, name: str) -> bytes:
    """Return an agent's file with another name, and a description that nobody chooses it by.

    Raises:
        RefusedError: the frontmatter cannot be changed in that way.
    """
    head, body = cut(data)
    text = head.decode("utf-8", "surrogateescape")
    words = f"Stands in for the agent {control}; do not choose it yourself."
    text, names = _NAME.subn(f"name: {name}", text, count=1)
    text, descriptions = _DESCRIPTION.subn(f"description: {json.dumps(words)}", text, count=1)
    if not descriptions:
        text = text.replace(
            f"name: {name}", f"name: {name}\ndescription: {json.dumps(words)}", 1
        )
    changed = text.encode("utf-8", "surrogateescape")
    before, after = read_frontmatter(data), read_frontmatter(changed)
    wanted = {**before.fields, "name": name, "description": words}
    as_wanted = after.fields == wanted or before.error is not None
    if not names or not as_wanted:
        raise RefusedError(
            "The frontmatter of the agent cannot be given another name: its name or its "
            "description has an unusual form.",
            hint="Write both on one line each, or start with --manual.",
        )
    return changed + body
