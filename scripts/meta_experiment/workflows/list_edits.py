"""Changing a list in a text by its items alone: comments, order and style stay where they are.

An item is replaced in its place; what is too many goes, what is missing comes behind the last.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import yaml

from meta_experiment.workflows.yaml_tree import PARSER, Node, TreeError, read_tree

_BLOCK_SCALARS = ("|", ">")
_BLANKS = " \t"
_DASH = re.compile(r"-[ \t]*\Z")
_LEADING = re.compile(r"[ \t]*(?:-[ \t]+)?")


class Edit(NamedTuple):
    """A part of a text that other characters come in the place of."""

    start: int
    end: int
    replacement: str


def edited(text: str, edits: Sequence[Edit]) -> str:
    """Return a text with changes made that do not overlap."""
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.replacement + text[edit.end :]
    return text


def list_edits(text: str, node: Node, values: Sequence[object]) -> list[Edit]:
    """Return what makes a list hold other values, at least one.

    A value that it held before is written as before.
    """
    if node.style == "*":
        items = ", ".join(written(value, flow=True) for value in values)
        return [Edit(node.start, node.end, f"[{items}]")]
    items, flow = node.value, node.style == "flow"
    texts = [_as_before(text, items, value, flow=flow) for value in values]
    made = [
        Edit(item.start, _end(text, item), form)
        for item, value, form in zip(items, values, texts, strict=False)
        if not _holds(item, value)
    ]
    if len(values) < len(items):
        take_out = _out_of_flow if flow else _out_of_block
        made += take_out(text, node, len(values))
    elif len(values) > len(items):
        put_in = _into_flow if flow else _into_block
        made += put_in(text, node, texts[len(items) :])
    return made


def written(value: object, *, flow: bool, quote: str = "") -> str:
    """Write a value so that YAML of every version reads it as it is; quoted where it must."""
    if not isinstance(value, str):
        return str(value)
    plain: Callable[[], str] = lambda: value  # noqa: E731 - one of three ways to write it
    single: Callable[[], str] = lambda: "'" + value.replace("'", "''") + "'"  # noqa: E731
    ways = {"": plain, "'": single}
    for way in [ways[quote]] if quote in ways else []:
        if _reads_as(way(), value, flow=flow):
            return way()
    inner = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{"".join(map(_printable, inner))}"'


def _printable(sign: str) -> str:
    """Return a sign as it stands between double quotes."""
    code = ord(sign)
    if sign.isprintable():
        return sign
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _reads_as(form: str, value: str, *, flow: bool) -> bool:
    """Tell whether a form on one line is read as that text, by readers of YAML 1.1 too."""
    if "\n" in form or "\r" in form:
        return False
    whole = f"[{form}]\n" if flow else f"- {form}\n"
    try:
        tree = read_tree(whole)
        older = yaml.load(whole, Loader=PARSER)  # noqa: S506 - a safe one
    except (TreeError, yaml.YAMLError, ValueError):
        return False
    alone = tree is not None and tree.is_list and len(tree.value) == 1
    return alone and tree.value[0].value == value and older == [value]  # type: ignore[union-attr]


def _as_before(text: str, items: Sequence[Node], value: object, *, flow: bool) -> str:
    """Return the form that a value had in the list, else one like that of the first."""
    for item in items:
        form = text[item.start : item.end]
        if _holds(item, value) and _can_move(item, form):
            return form
    return written(value, flow=flow, quote=items[0].style if items[0].style in "'\"" else "")


def _holds(item: Node, value: object) -> bool:
    return type(item.value) is type(value) and bool(item.value == value)


def _can_move(item: Node, form: str) -> bool:
    """Tell whether a form means the same in the place of another item."""
    if item.style in _BLOCK_SCALARS or "\n" in form or "\r" in form:
        return False
    tagged = item.outer < item.start and not item.style and isinstance(item.value, str)
    return not tagged or item.style == "*"


def _end(text: str, item: Node) -> int:
    """Return where an item ends, the line ends behind a block of text left out."""
    if item.style in _BLOCK_SCALARS:
        return item.start + len(text[item.start : item.end].rstrip())
    return item.end


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _line_end(text: str, at: int) -> int:
    """Return where the line of a place ends, before the characters that end it."""
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    return end - 1 if text[end - 1 : end] == "\r" else end


def _break_of(text: str, at: int) -> str:
    """Return how the line of a place ends."""
    return "\r\n" if text[_line_end(text, at) :][:2] == "\r\n" else "\n"


def _comma_behind(text: str, at: int, until: int) -> int:
    """Return where a comma stands that is no part of a comment; -1 where there is none."""
    while at < until:
        if text[at] == ",":
            return at
        at = _line_end(text, at) if text[at] == "#" else at + 1
    return -1


def _into_flow(text: str, node: Node, texts: Sequence[str]) -> list[Edit]:
    last = node.value[-1]
    comma = _comma_behind(text, last.end, node.end - 1)
    line_end = _line_end(text, last.end)
    indent = text[_line_start(text, last.start) : last.outer]
    if indent.strip(_BLANKS) or line_end >= node.end - 1:
        return [Edit(last.end, last.end, "".join(f", {form}" for form in texts))]
    line = f"{_break_of(text, last.end)}{indent}"
    if comma >= 0:
        return [Edit(line_end, line_end, "".join(f"{line}{form}," for form in texts))]
    behind = ",".join(f"{line}{form}" for form in texts)
    if line_end == last.end:
        return [Edit(last.end, last.end, f",{behind}")]
    return [Edit(last.end, last.end, ","), Edit(line_end, line_end, behind)]


def _into_block(text: str, node: Node, texts: Sequence[str]) -> list[Edit]:
    last = node.value[-1]
    end = _line_end(text, _end(text, last))
    line_start = _line_start(text, _dash_of(text, last))
    lead = _LEADING.match(text, line_start)
    prefix = lead[0] if lead else ""
    line = f"{_break_of(text, end)}{prefix}"
    return [Edit(end, end, "".join(f"{line}{form}" for form in texts))]


def _dash_of(text: str, item: Node) -> int:
    """Return where the dash of an item of a block stands."""
    found = _DASH.search(text[: item.outer].rstrip())
    return found.start() if found else item.outer


def _out_of_block(text: str, node: Node, kept: int) -> Iterator[Edit]:
    for item in node.value[kept:]:
        yield _taken_out(text, _dash_of(text, item), _end(text, item))


def _out_of_flow(text: str, node: Node, kept: int) -> Iterator[Edit]:
    items = node.value
    last = _comma_behind(text, items[-1].end, node.end - 1)
    for number in range(kept, len(items)):
        item = items[number]
        if last >= 0:
            following = items[number + 1].outer if number + 1 < len(items) else node.end - 1
            comma = _comma_behind(text, item.end, following)
        else:
            comma = _comma_behind(text, items[number - 1].end, item.outer)
        spaced = text[min(comma, item.outer) : max(comma, item.end)]
        if "#" in spaced or "\n" in spaced:
            yield _taken_out(text, item.outer, item.end)
            yield _taken_out(text, comma, comma + 1)
        else:
            yield _taken_out(text, min(comma, item.outer), max(comma + 1, item.end))


def _taken_out(text: str, start: int, end: int) -> Edit:
    """Take a part out with the blanks before it; with its line, where nothing is left of it."""
    begin = start
    while begin and text[begin - 1] in _BLANKS:
        begin -= 1
    behind = end
    while text[behind : behind + 1] and text[behind] in _BLANKS:
        behind += 1
    alone = begin == _line_start(text, start)
    if not alone:
        return Edit(begin, end, "")
    if behind == _line_end(text, behind):
        return Edit(begin, text.find("\n", behind) + 1 or len(text), "")
    return Edit(start, behind, "")
