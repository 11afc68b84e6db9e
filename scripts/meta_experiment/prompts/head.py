"""The head of a prompt file with other values for some of its fields."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from meta_experiment.errors import RefusedError
from meta_experiment.prompts.frontmatter import (
    Frontmatter,
    cut,
    read_clearly,
    read_frontmatter,
)
from meta_experiment.protocol.frontmatter import find_block

_BOM = "\ufeff"
_PLAIN = re.compile(r"[A-Za-z_]+(?:-[A-Za-z_]+)*")
_WORDS = ("true", "false", "null")


def with_fields(head: bytes, wanted: Mapping[str, Any]) -> bytes:
    """Return a head in which the client reads these fields, and all others as before.

    The lines of other fields stay as they are where that can be; else all is written anew.

    Args:
        head: what `frontmatter.cut` gives, empty where the file has none.
        wanted: new values by name.

    Raises:
        RefusedError: what the client reads in this head cannot be told.
    """
    read = read_clearly(head)
    fields = {**read.fields, **wanted}
    text = head.decode("utf-8", "surrogateescape")
    newline = "\r\n" if "\r\n" in text else "\n"
    for written in (_edited(text, read, wanted, newline), _anew(text, fields, newline)):
        changed = written.encode("utf-8", "surrogateescape")
        if read_frontmatter(changed) == Frontmatter(fields) and cut(changed) == (changed, b""):
            return changed
    raise RefusedError(
        "The frontmatter holds a value that cannot be written down again.",
        hint="Write it in a plainer form, or start with --manual.",
    )


def _edited(text: str, read: Frontmatter, wanted: Mapping[str, Any], newline: str) -> str:
    """Exchange the lines of these fields, and put those that have none first."""
    found = find_block(text)
    if found is None:
        return ""
    indent = next((places[0].indent for places in read.lines.values()), 0)
    new = {
        key: f"{' ' * indent}{_key(key)}: {_written(value)}{newline[:-1]}"
        for key, value in wanted.items()
    }
    places = {key: read.lines.get(key, ()) for key in new}
    first = {at[0].first: new[key] for key, at in places.items() if at}
    gone = {
        number
        for at in places.values()
        for each in at
        for number in range(each.first, each.end)
    }
    lines = [new[key] for key, at in places.items() if not at]
    for number, line in enumerate(text[slice(*found)].split("\n")):
        if number in first:
            lines.append(first[number])
        elif number not in gone:
            lines.append(line)
    ending = text[found[1] :]
    missing = "" if ending.endswith("\n") else newline
    return text[: found[0]] + "\n".join(lines) + ending + missing


def _anew(text: str, fields: Mapping[str, Any], newline: str) -> str:
    lines = [f"{_key(key)}: {_written(value)}" for key, value in fields.items()]
    mark = _BOM if text.startswith(_BOM) else ""
    return mark + newline.join(["---", *lines, "---", ""])


def _written(value: object) -> str:
    """Write a value in the form that the client's YAML shares with JSON, on one line."""
    if isinstance(value, dict):
        pairs = (f"{_key(key)}: {_written(item)}" for key, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, float) and value in (float("inf"), -float("inf")):
        return ".inf" if value > 0 else "-.inf"
    return _scalar(value)


def _key(name: str) -> str:
    return name if _PLAIN.fullmatch(name) and name.lower() not in _WORDS else _scalar(name)


def _scalar(value: object) -> str:
    """Write what is no collection; three dashes, which would end the block, by their codes."""
    return json.dumps(value).replace("---", r"\u002d" * 3)
