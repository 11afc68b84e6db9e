"""Changes of all metrics on one axis, on which right is better."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from meta_experiment.records import dataclass
from meta_experiment.render.markup import Markup, element, joined
from meta_experiment.render.pictures.drawing import line, mark, path
from meta_experiment.render.pictures.scales import PictureScale, widest
from meta_experiment.render.report_words import change_chosen, per_cent
from meta_experiment.types import Interval
from meta_experiment.types.results.report_metrics import ReportResult

WIDTH, HEIGHT = 300.0, 28.0
_LEAST, _MOST = 0.05, 0.6
_ROUND = (0.4, 0.3, 0.25, 0.2, 0.15, 0.1, 0.08, 0.05, 0.04, 0.02)  # labels of the axis
_CAP, _ARROW = 5.0, 4.0
RIM = 14.0  # beside the axis: what goes on outside has its arrow there, clear of any point
_ROOM = 1.08  # between what lies on the axis and its end


def axis(results: Sequence[ReportResult], threshold: float) -> PictureScale:
    """Return the axis of all rows of a report, on which what is decided on lies whole."""
    margins = [one.metric.margin for one in results if one.metric.margin is not None]
    changes = [(it.effect.relative, it.interval) for one in results for it in one.comparisons]
    deciding = results[0].comparisons if results else ()
    shown = [(it.effect.relative, it.interval) for it in deciding]
    held = [threshold, *margins]
    return reaching([*held, *_ends(changes)], [*held, *_ends(shown)])


def _ends(changes: Iterable[tuple[float | None, Interval | None]]) -> list[float]:
    return [
        end
        for effect, interval in changes
        for end in (effect, *((interval.low, interval.high) if interval else ()))
        if end is not None
    ]


def reaching(ends: Sequence[float], shown: Sequence[float]) -> PictureScale:
    """Return an axis that three quarters of the ends set and no wild one; `shown` lie on it."""
    reach = max(widest(ends, _LEAST, _MOST), *(_ROOM * abs(one) for one in shown), 0.0)
    reach = min(_MOST, reach)
    return PictureScale(-reach, reach, RIM, WIDTH - RIM)


@dataclass(frozen=True, slots=True)
class ForestEnd:
    """An end of an interval; `beyond` says that it goes on outside the picture."""

    place: float
    beyond: bool


@dataclass(frozen=True, slots=True)
class ForestMarks:
    """Places of all that a row shows, whoever draws it; None is not in the picture.

    The interval goes from `start` to `stop`; `low` and `high` are those of its ends that lie
    on this side of the edge. `beyond` is the side on which the estimate lies outside the
    axis, 1 or -1, else 0.
    """

    zero: float
    goal: float | None
    margin: float | None
    start: float | None
    stop: float | None
    low: ForestEnd | None
    high: ForestEnd | None
    point: float | None
    beyond: int


def marks(
    scale: PictureScale,
    effect: float | None,
    interval: Interval | None,
    *,
    margin: float | None = None,
    goal: float | None = None,
) -> ForestMarks:
    """Place one change: its point, the interval, and what it is held against."""
    low, high = (interval.low, interval.high) if interval else (None, None)
    start = stop = None
    first = last = None
    if low is not None or high is not None:
        start = scale.start if low is None else scale.inside(low)
        stop = scale.end if high is None else scale.inside(high)
        if low is None or low <= scale.high:
            first = ForestEnd(start, low is None or low < scale.low)
        if high is None or high >= scale.low:
            last = ForestEnd(stop, high is None or high > scale.high)
    beyond = 0 if effect is None else (effect > scale.high) - (effect < scale.low)
    return ForestMarks(
        zero=scale.place(0.0),
        goal=scale.place(goal) if goal and goal <= scale.high else None,
        margin=None if margin is None or margin > scale.high else scale.place(-margin),
        start=start,
        stop=stop,
        low=first,
        high=last,
        point=None if effect is None or beyond else scale.place(effect),
        beyond=beyond,
    )


def row(
    scale: PictureScale,
    effect: float | None,
    interval: Interval | None,
    *,
    arm: int,
    margin: float | None = None,
    goal: float | None = None,
) -> Markup:
    """Draw one change as a cell of a table; an estimate that lies outside with its number."""
    found = marks(scale, effect, interval, margin=margin, goal=goal)
    cell = element(
        "svg",
        *(line(scale.place(at), 0.0, scale.place(at), HEIGHT, "grid") for at in _round(scale)),
        *drawn(found, arm),
        viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}",
        preserveAspectRatio="none",
        class_="cell",
        aria_hidden="true",
        focusable="false",
    )
    if not found.beyond:
        return cell
    style = f"beyond t{arm} {'high' if found.beyond > 0 else 'low'}"
    told = per_cent(effect, signed=True)
    return joined(cell, element("span", told, class_=style, aria_hidden="true"))


def drawn(found: ForestMarks, arm: int, top: float = 0.0) -> Iterator[Markup]:
    """Draw a row as lines, `top` below the edge of a picture."""
    bottom, middle = top + HEIGHT, top + HEIGHT / 2
    yield line(found.zero, top, found.zero, bottom, "zero")
    for at, style in ((found.goal, "goal"), (found.margin, "margin")):
        if at is not None:
            yield line(at, top + 2, at, bottom - 2, style)
    if found.start is not None and found.stop is not None:
        start, stop = _reached(found.low, found.start, -1), _reached(found.high, found.stop, 1)
        yield line(start, middle, stop, middle, f"s{arm} bar")
    for end, side in ((found.low, -1), (found.high, 1)):
        if end is not None and not (end.beyond and side == found.beyond):
            yield _end(end, side, middle, arm)
    if found.beyond:
        yield _outside(found.beyond, middle, arm)
    if found.point is not None:
        yield mark(found.point, middle, arm)


def _end(end: ForestEnd, side: int, middle: float, arm: int) -> Markup:
    """Draw an end of an interval: a stroke, or an arrow where it goes on outside."""
    if not end.beyond:
        return line(end.place, middle - _CAP, end.place, middle + _CAP, f"s{arm} bar")
    tip = _reached(end, end.place, side)
    back = tip - side * _ARROW
    points = [(back, middle - _CAP), (tip, middle), (back, middle + _CAP)]
    return path(points, f"s{arm} bar open")


def _reached(end: ForestEnd | None, place: float, side: int) -> float:
    """Return to where an end is drawn: into the rim where it goes on outside."""
    return place + side * (RIM - 2.0) if end is not None and end.beyond else place


def _outside(side: int, middle: float, arm: int) -> Markup:
    """Draw an estimate that lies outside, as a filled arrow on the rim."""
    rim = WIDTH / 2 + side * (WIDTH / 2 - 1)
    back = rim - side * (_CAP + 6.0)
    points = [(back, middle - _CAP - 1), (rim, middle), (back, middle + _CAP + 1)]
    return path(points, f"f{arm} outside", closed=True)


def _round(scale: PictureScale, within: float = 0.8) -> tuple[float, float]:
    most = next((at for at in _ROUND if at <= within * scale.high), _ROUND[-1])
    return -most, most


def ticks(scale: PictureScale) -> list[tuple[float, str]]:
    """Return the labels of the axis with their places, in per cent of its width."""
    return [(100 * scale.place(at) / WIDTH, said) for at, said in axis_labels(scale)]


def axis_labels(scale: PictureScale, within: float = 0.8) -> list[tuple[float, str]]:
    """Return the values on that part of an axis that are labelled, and how they are written."""
    low, high = _round(scale, within)
    return [(at, change_chosen(at) if at else "0") for at in (low, 0.0, high)]
