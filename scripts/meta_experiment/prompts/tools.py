"""Adding to `allowed-tools` in a prompt file's head, in the smallest way."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

_BOM = "\ufeff"
_KEY = re.compile(r"^allowed-tools[ \t]*:[ \t]*", re.MULTILINE)
_ITEM = re.compile(r"([ \t]*-[ \t]+)\S[^\r\n]*")
_COMMENT = re.compile(r"[ \t]+#[^\r\n]*$")


def names_tools(head: bytes) -> bool:
    """Tell whether a head has `allowed-tools` at all."""
    return _KEY.search(head.decode("utf-8", "replace")) is not None


def add_tools(head: bytes, tools: Sequence[str], more: Sequence[str] = ()) -> bytes:
    """Return the head of a prompt file with these permission rules added.

    Args:
        head: what `frontmatter.cut` gives, empty where the file has none.
        tools: the rules.
        more: further lines for a head that is to say more.
    """
    text = head.decode("utf-8", "surrogateescape")
    newline = "\r\n" if "\r\n" in text else "\n"
    if not text.strip(_BOM):
        lines = ["---", *more, f"allowed-tools: {', '.join(tools)}", "---", ""]
        return (text + newline.join(lines)).encode("utf-8", "surrogateescape")
    opening = text.index("\n") + 1
    added = "".join(f"{line}{newline}" for line in more)
    found = _KEY.search(text)
    if found is None:
        added += f"allowed-tools: {', '.join(tools)}{newline}"
        changed = text[:opening] + added + text[opening:]
    else:
        changed = _extended(text, found.end(), tools, newline)
        changed = changed[:opening] + added + changed[opening:]
    return changed.encode("utf-8", "surrogateescape")


def _extended(text: str, start: int, tools: Sequence[str], newline: str) -> str:
    """Extend the value that begins at `start`, whatever YAML form it has."""
    line_end = text.index("\n", start)
    first = _COMMENT.sub("", text[start:line_end].rstrip("\r"))
    if first.startswith("#"):
        first = ""
    end = start + len(first.rstrip())
    listed = ", ".join(tools)
    if first.startswith("["):
        place = text.index("]", start)
        before = text[start + 1 : place].rstrip()
        comma = "" if not before or before.endswith(",") else ", "
        return text[:place] + comma + ", ".join(map(json.dumps, tools)) + text[place:]
    if first[:1] in "\"'" and first:
        return text[: end - 1] + f", {listed}" + text[end - 1 :]
    following = _following(text, line_end + 1)
    if following:
        last = following[-1]
        item = _ITEM.match(text, *following[0])
        if item is not None and not first:
            lines = "".join(f"{item[1]}{json.dumps(tool)}{newline}" for tool in tools)
            after = text.index("\n", last[0]) + 1
            return text[:after] + lines + text[after:]
        end = last[1]
    glue = ", " if first or following else ""
    space = " " if not first and not following and text[start - 1] == ":" else ""
    return text[:end] + space + glue + listed + text[end:]


def _following(text: str, position: int) -> list[tuple[int, int]]:
    """Return start and end of the lines that continue a value: indented, or list items."""
    found = list[tuple[int, int]]()
    while True:
        line_end = text.find("\n", position)
        if line_end < 0:
            return found
        line = text[position:line_end].rstrip("\r")
        if line.startswith("---") or not line.startswith((" ", "\t", "- ")):
            return found
        if line.strip():
            found.append((position, position + len(line.rstrip())))
        position = line_end + 1
