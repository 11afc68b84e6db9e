"""Adding to `allowed-tools` in a prompt file's head, in the smallest way."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from meta_experiment.errors import RefusedError
from meta_experiment.prompts.frontmatter import cut, read_frontmatter

_BOM = "\ufeff"
_KEY = re.compile(r"^allowed-tools[ \t]*:[ \t]*", re.MULTILINE)
_ITEM = re.compile(r"([ \t]*-[ \t]+)\S[^\r\n]*")
_COMMENT = re.compile(r"[ \t]+#[^\r\n]*$")
_NONE = re.compile(r"~|null|Null|NULL")
_WITHIN = re.compile(r"\([^()]*\)|[ \t]#[^\r\n]*")  # what is no rule's name
_BETWEEN = re.compile(r"[\s,\"'\[\]]+")
# With one of these the client asks before the model may call a command or skill.
_ASKED = ("allowed-tools", "disallowed-tools", "disallowedTools", "hooks")
_ASKED_KEY = re.compile(rf"^[ \t\"']*(?:{'|'.join(_ASKED)})\b", re.MULTILINE)


def asks_first(data: bytes) -> bool:
    """Tell whether the client asks before the model may call what this prompt file holds."""
    read = read_frontmatter(data)
    if read.error is None:
        return any(read.fields.get(name) for name in _ASKED)
    return _ASKED_KEY.search(cut(data)[0].decode("utf-8", "replace")) is not None


def add_tools(head: bytes, tools: Sequence[str], more: Sequence[str] = ()) -> bytes:
    """Return the head of a prompt file with these permission rules added.

    Args:
        head: what `frontmatter.cut` gives, empty where the file has none.
        tools: the rules.
        more: further lines for a head that is to say more.

    Raises:
        RefusedError: the head allows `*`, beside which the client reads no other rule.
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
    following = _following(text, line_end + 1)
    _require_no_star(text[start : following[-1][1] if following else line_end])
    first = _COMMENT.sub("", text[start:line_end].rstrip("\r"))
    if first.startswith("#"):
        first = ""
    end = start + len(first.rstrip())
    if _NONE.fullmatch(text[start:end]):
        return _extended(text[:start] + text[end:], start, tools, newline)
    listed = ", ".join(tools)
    if first.startswith("["):
        place = text.index("]", start)
        before = text[start + 1 : place].rstrip()
        comma = "" if not before or before.endswith(",") else ", "
        return text[:place] + comma + ", ".join(map(json.dumps, tools)) + text[place:]
    if first[:1] in "\"'" and first:
        return text[: end - 1] + f", {listed}" + text[end - 1 :]
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


def _require_no_star(value: str) -> None:
    if "*" in _BETWEEN.split(_WITHIN.sub("", value)):
        raise RefusedError(
            "`allowed-tools` holds `*`, for which the client leaves out every other rule: the "
            "one that lets a variant be served would not count.",
            hint="Name the tools in its place, or start with --manual.",
        )


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
