"""The permission rules of a prompt file, in `allowed-tools` of its frontmatter."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from meta_experiment.errors import RefusedError
from meta_experiment.prompts.frontmatter import read_frontmatter
from meta_experiment.prompts.head import with_fields

_FIELD = "allowed-tools"
_WITHIN = re.compile(r"\([^()]*\)")  # what is no rule's name
_BETWEEN = re.compile(r"[ ,]+")
# With one of these the client asks before the model may call a command or skill.
_ASKED = (_FIELD, "disallowed-tools", "disallowedTools", "hooks")


def asks_first(data: bytes) -> bool:
    """Tell whether the client asks before the model may call what this prompt file holds."""
    fields = read_frontmatter(data).fields
    return any(fields.get(name) for name in _ASKED)


def add_tools(
    head: bytes, tools: Sequence[str], more: Mapping[str, Any] | None = None
) -> bytes:
    """Return the head of a prompt file with these permission rules added.

    Args:
        head: what `frontmatter.cut` gives, empty where the file has none.
        tools: the rules.
        more: further fields for a head that is to say more.

    Raises:
        RefusedError: the head allows `*`, beside which the client reads no other rule, or what
            it says cannot be told.
    """
    value = read_frontmatter(head).fields.get(_FIELD)
    known = value if isinstance(value, list) else [value]
    if any("*" in _names(item) for item in known):
        raise RefusedError(
            "`allowed-tools` holds `*`, for which the client leaves out every other rule: the "
            "one that lets a variant be served would not count.",
            hint="Name the tools in its place, or start with --manual.",
        )
    return with_fields(head, {**(more or {}), _FIELD: _extended(value, tools)})


def _extended(value: object, tools: Sequence[str]) -> str | list[Any]:
    if isinstance(value, list):
        return [*value, *tools]
    if not isinstance(value, str) or not value.strip():
        return ", ".join(tools)
    if value.count("(") != value.count(")"):  # what follows would belong to the open rule
        return [value, *tools]
    return ", ".join([value, *tools])


def _names(rules: object) -> list[str]:
    """Return the names of tools in rules between spaces or commas."""
    return _BETWEEN.split(_WITHIN.sub("", rules)) if isinstance(rules, str) else []
