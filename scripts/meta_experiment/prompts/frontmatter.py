"""The YAML block at the head of a prompt file: found in bytes, never rewritten."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_BOM = b"\xef\xbb\xbf"
_OPENING = re.compile(rb"---[ \t]*\r?\n")
_CLOSING = re.compile(rb"^---[ \t]*\r?$", re.MULTILINE)
_LARGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Frontmatter:
    """What stands between the markers; `error` says why it could not be read."""

    fields: dict[str, Any]
    error: str | None = None


def read_frontmatter(data: bytes) -> Frontmatter:
    """Read the frontmatter of a prompt file; a file without one has no fields."""
    block = _block(data.removeprefix(_BOM))
    if block is None:
        return Frontmatter({})
    try:
        return Frontmatter(_parse(block))
    except (ValueError, RecursionError) as error:
        return Frontmatter({}, f"the frontmatter {' '.join(str(error).split())[:200]}")


def cut(data: bytes) -> tuple[bytes, bytes]:
    """Part a prompt file into its head, markers included, and its body; joined it is whole."""
    start = len(_BOM) if data.startswith(_BOM) else 0
    opening = _OPENING.match(data, start)
    closing = opening and _CLOSING.search(data, opening.end())
    if not closing:
        return data[:start], data[start:]
    end = data.find(b"\n", closing.end() - 1) + 1 or len(data)
    return data[:end], data[end:]


def _parse(block: bytes) -> dict[str, Any]:
    """Parse a block, refusing aliases so that a small one cannot unfold into a large one."""
    import yaml

    if len(block) > _LARGEST:
        raise ValueError("is longer than 64 kB")
    try:
        events = list(yaml.parse(block, Loader=yaml.SafeLoader))
        if any(isinstance(event, yaml.AliasEvent) for event in events):
            raise ValueError("holds a YAML alias")
        fields = yaml.safe_load(block)
    except yaml.YAMLError as error:
        raise ValueError(f"is not valid YAML: {error}") from error
    if fields is None:
        return {}
    if not isinstance(fields, dict):
        raise ValueError("is not a mapping of names to values")  # noqa: TRY004
    return {str(key): value for key, value in fields.items()}


def _block(data: bytes) -> bytes | None:
    opening = _OPENING.match(data)
    if opening is None:
        return None
    closing = _CLOSING.search(data, opening.end())
    return None if closing is None else data[opening.end() : closing.start()]
