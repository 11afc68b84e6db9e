"""Agents: whether the client loads one, by which name, and the file of an agent's treatment."""

from __future__ import annotations

from collections.abc import Sequence

from meta_experiment.errors import RefusedError
from meta_experiment.prompts.frontmatter import (
    cut,
    may_be_hooks,
    read_clearly,
    read_frontmatter,
)
from meta_experiment.prompts.head import with_fields
from meta_experiment.protocol.by_name import hooks_by_name
from meta_experiment.protocol.frontmatter import find_block

_LONGEST_NAME = 256  # in units of UTF-16

_DESCRIBED_AS = "Stands in for the agent"


def agent_name(data: bytes) -> str:
    """Return the name by which the client calls an agent.

    Raises:
        RefusedError: the client does not load it, or whether it does is not known.
    """
    read_clearly(data)
    fault = agent_fault(data)
    if fault:
        raise RefusedError(
            f"The client does not load this agent: {fault}.",
            hint="Mend that first, or start with --manual.",
        )
    return str(read_frontmatter(data).fields["name"])


def agent_fault(data: bytes) -> str:
    """Say why the client does not load a file as an agent; "" when it does, or may."""
    read = read_frontmatter(data)
    if read.ignored or read.unclear:
        return read.ignored
    if find_block(data.decode("utf-8", "replace")) is None:
        return "it has no frontmatter between two lines of ---"
    for key in ("name", "description"):
        value = read.fields.get(key)
        if not isinstance(value, str) or not value:
            none = "has no" if value in (None, "") else "holds something else than text as"
            return f"its frontmatter {none} `{key}`"
    if not may_be_hooks(read.fields.get("hooks")):
        return "its frontmatter holds something else than a mapping as `hooks`"
    return _name_fault(str(read.fields["name"]))


def _name_fault(name: str) -> str:
    if ":" in name or name.startswith("-"):
        return f"its name has a colon in it or begins with a hyphen: {name[:80]!r}"
    if len(name.encode("utf-16-le", "surrogatepass")) > 2 * _LONGEST_NAME:
        return f"its name is longer than {_LONGEST_NAME} characters"
    return ""


def is_copy(data: bytes) -> bool:
    """Tell whether a file says of itself that it stands in for an agent."""
    return f"{_DESCRIBED_AS} ".encode() in cut(data)[0]


def agent_under(data: bytes, control: str, name: str) -> bytes:
    """Return an agent's file with another name, and a description that nobody chooses it by.

    Raises:
        RefusedError: the client would not load it.
    """
    head, body = cut(data)
    words = f"{_DESCRIBED_AS} {control}; do not choose it yourself."
    changed = with_fields(head, {"name": name, "description": words}) + body
    agent_name(changed)
    return changed


def require_nameless(data: bytes, names: Sequence[str]) -> None:
    """Refuse an agent for which the client does something by its name.

    Its variants have names of their own, `names` in all, so that it would not be done for all
    of them alike.

    Raises:
        RefusedError: says what it is.
    """
    fields = read_frontmatter(data).fields
    if fields.get("memory") is not None:
        raise RefusedError(
            f"The agent {names[0]} keeps a memory (`memory: {fields['memory']}`) in a folder "
            "of its name. While it is under experiment its versions have names of their own, "
            "and each would begin with another memory.",
            hint="Take `memory` out of every version for the time, or start with --manual.",
        )
    for what in hooks_by_name(fields, names, ""):
        raise RefusedError(
            f"The agent {names[0]} has {what}, which would not work for all its versions "
            "alike.",
            hint=f"Let it mean {names[0]} and {names[0]}-… alike, or start with --manual.",
        )
