"""The pieces that pictures are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count, pairwise

from meta_experiment.render.markup import Content, Markup, element, number

WIDE, NARROW = 880.0, 352.0
_Point = tuple[float, float]
_MARKS: dict[int, list[_Point]] = {
    2: [(-5, -5), (5, -5), (5, 5), (-5, 5)],
    3: [(-6.5, 0), (0, -6.5), (6.5, 0), (0, 6.5)],
    4: [(-6, 5), (0, -6), (6, 5)],
}


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


def arm_style(place: int) -> int:
    """Return by which colour and mark the arm at a place of the plan is drawn."""
    return place and 1 + (place - 1) % max(_MARKS)


def mark(x: float, y: float, arm: int) -> Markup:
    """Draw the mark of an arm: each has a form of its own beside its colour."""
    if arm < 2:  # the end of a line: it stays round where the picture is stretched
        return dots([(x, y)], f"s{arm} point")
    return path(
        [(x + across, y + down) for across, down in _MARKS[arm]], f"f{arm}", closed=True
    )


def held(points: Iterable[_Point], top: float, bottom: float) -> list[_Point]:
    """Bring a line into a picture: beyond its upper and lower edge it runs along that."""
    seen = list(points)
    drawn: list[_Point] = []
    for (x0, y0), (x, y) in zip([*seen[:1], *seen], seen, strict=False):
        crossed = [edge for edge in (top, bottom) if (y0 - edge) * (y - edge) < 0]
        drawn += [
            (x0 + (x - x0) * (edge - y0) / (y - y0), edge)
            for edge in (crossed if y > y0 else reversed(crossed))
        ]
        drawn.append((x, min(max(y, top), bottom)))
    return drawn


def between_edges(
    points: Sequence[_Point], top: float, bottom: float
) -> Iterator[Sequence[_Point]]:
    """Yield the parts of a line that was brought into a picture, but those along its edges."""
    part = [*points[:1]]
    for before, after in pairwise(points):
        if before[1] == after[1] and after[1] in (top, bottom):
            if len(part) > 1:
                yield part
            part = [after]
        else:
            part.append(after)
    if len(part) > 1:
        yield part


def apart(places: Sequence[float], least: float, last: float) -> list[float]:
    """Move labels apart that would cover each other, in their order, and none below `last`."""
    moved = dict(zip(count(), places, strict=False))
    order = sorted(moved, key=moved.__getitem__)
    for before, after in pairwise(order):
        moved[after] = max(moved[after], moved[before] + least)
    for place, label in enumerate(reversed(order)):
        moved[label] = min(moved[label], last - least * place)
    return [moved[place] for place in range(len(places))]
