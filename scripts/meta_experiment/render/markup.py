"""Elements of a page or a picture, in which every text is escaped in this one place."""

from __future__ import annotations

from collections.abc import Iterable

from meta_experiment.render.words import printable


class Markup(str):
    """Text that is markup already, and is not escaped again."""

    __slots__ = ()


Content = str | int | Iterable["Content"] | None
Attribute = str | float | bool | None
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"}
_BLANKS = str.maketrans("", "", "\u202f\u00a0")  # of numbers and their units
_VOID = frozenset({"meta", "br", "input", "path", "line", "rect", "circle", "use", "link"})


def element(tag: str, *content: Content, **attributes: Attribute) -> Markup:
    """Write an element; None is left out, and True an attribute without a value.

    A line below ends a name that is a word of Python, and stands for a hyphen within one.
    """
    head = "".join(
        f" {key.rstrip('_').replace('_', '-')}"
        + ("" if found is True else f'="{_quoted(found)}"')
        for key, found in attributes.items()
        if found is not None and found is not False
    )
    inner = "".join(map(_written, content))
    if not inner and tag in _VOID:
        return Markup(f"<{tag}{head}/>")
    return Markup(f"<{tag}{head}>{inner}</{tag}>")


def joined(*content: Content) -> Markup:
    """Write contents one behind the other."""
    return Markup("".join(map(_written, content)))


def _written(content: Content) -> str:
    if content is None:
        return ""
    if isinstance(content, Markup):
        return content
    if isinstance(content, str | int):
        return safe(str(content))
    return "".join(map(_written, content))


def safe(text: str) -> str:
    """Escape a text, in which what could steer the reading is replaced; lines stay lines."""
    if not (text.isprintable() or text.translate(_BLANKS).isprintable()):
        text = "\n".join(printable(line.replace("\t", "    ")) for line in text.split("\n"))
    for mark, entity in _ENTITIES.items():
        text = text.replace(mark, entity)
    return text


def _quoted(found: Attribute) -> str:
    if isinstance(found, float):
        return number(found)
    return safe(str(found))


def number(amount: float) -> str:
    """Write a coordinate to a tenth, as short as it goes."""
    text = f"{amount:.1f}"
    return text.removesuffix(".0")
