"""The pieces that pictures are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count, pairwise

from meta_experiment.render.markup import Content, Markup, element, number

WIDE, NARROW = 880.0, 352.0
_Point = tuple[float, float]


def picture(
    width: float, height: float, name: str, title: str, about: str, *content: Content
) -> Markup:
    """Frame a picture, which says to those who do not see it what it shows.

    `name` is unlike that of any other picture of the page.
    """
    return element(
        "svg",
        element("title", title, id=f"{name}-t"),
        element("desc", about, id=f"{name}-d"),
        *content,
        viewBox=f"0 0 {number(width)} {number(height)}",
        role="img",
        aria_labelledby=f"{name}-t {name}-d",
        class_="wide" if width == WIDE else "narrow",
    )


def path(points: Iterable[_Point], style: str, *, closed: bool = False) -> Markup:
    """Draw a line through points, or what it encloses."""
    told = "L".join(f"{number(x)} {number(y)}" for x, y in points)
    return element("path", d=f"M{told}{'Z' if closed else ''}", class_=style)


def dots(points: Iterable[_Point], style: str) -> Markup:
    """Draw dots as one line of no length each, which round ends make visible."""
    told = "".join(f"M{number(x)} {number(y)}h0" for x, y in points)
    return element("path", d=told, class_=style)


def line(x1: float, y1: float, x2: float, y2: float, style: str) -> Markup:
    """Draw a straight line."""
    return element(
        "path", d=f"M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}", class_=style
    )


def box(x: float, y: float, width: float, height: float, style: str) -> Markup:
    """Draw a filled box."""
    return element("rect", x=x, y=y, width=width, height=height, class_=style)


def text(x: float, y: float, said: str, style: str = "", anchor: str | None = None) -> Markup:
    """Write a label."""
    return element("text", said, x=x, y=y, class_=style or None, text_anchor=anchor)


def apart(places: Sequence[float], least: float) -> list[float]:
    """Move labels apart that would cover each other, in their order; the first stays."""
    moved = dict(zip(count(), places, strict=False))
    order = sorted(moved, key=moved.__getitem__)
    for before, after in pairwise(order):
        moved[after] = max(moved[after], moved[before] + least)
    return [moved[place] for place in range(len(places))]
