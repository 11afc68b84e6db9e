"""Changes of all metrics on one axis, on which right is better."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from meta_experiment.records import dataclass
from meta_experiment.render.markup import Markup, element
from meta_experiment.render.pictures.drawing import dots, line, path
from meta_experiment.render.pictures.scales import PictureScale, widest
from meta_experiment.render.report_words import per_cent
from meta_experiment.types import Interval
from meta_experiment.types.results.report_metrics import ReportResult

WIDTH, HEIGHT = 300.0, 28.0
_LEAST, _MOST = 0.05, 0.6
_ROUND = (0.4, 0.3, 0.25, 0.2, 0.15, 0.1, 0.08, 0.05, 0.04, 0.02)  # labels of the axis
_CAP, _ARROW = 5.0, 4.0


def axis(results: Sequence[ReportResult], threshold: float) -> PictureScale:
    """Return the axis of all rows of a report."""
    ends = [threshold, *(one.metric.margin or 0.0 for one in results)]
    seen = []
    for item in (item for one in results for item in one.comparisons):
        known = (item.interval.low, item.interval.high, item.effect.relative)
        ends += [end for end in known if end is not None]
        seen.append(item.effect.relative or 0.0)
    return reaching(ends, seen)


def reaching(ends: Sequence[float], seen: Sequence[float]) -> PictureScale:
    """Return an axis that three quarters of the ends set and no wild one; `seen` are on it."""
    reach = max(widest(ends, _LEAST, _MOST), *(1.08 * abs(one) for one in seen), 0.0)
    reach = min(_MOST, reach)
    return PictureScale(-reach, reach, 6.0, WIDTH - 6.0)


@dataclass(frozen=True, slots=True)
class ForestEnd:
    """An end of an interval; `beyond` says that it goes on outside the picture."""

    place: float
    beyond: bool


@dataclass(frozen=True, slots=True)
class ForestMarks:
    """Places of all that a row shows, whoever draws it; None is not in the picture.

    The interval goes from `start` to `stop`; `low` and `high` are those of its ends that lie
    on this side of the edge.
    """

    zero: float
    goal: float | None
    margin: float | None
    start: float | None
    stop: float | None
    low: ForestEnd | None
    high: ForestEnd | None
    point: float | None


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
    inside = effect is not None and scale.low <= effect <= scale.high
    return ForestMarks(
        zero=scale.place(0.0),
        goal=scale.place(goal) if goal and goal <= scale.high else None,
        margin=None if margin is None or margin > scale.high else scale.place(-margin),
        start=start,
        stop=stop,
        low=first,
        high=last,
        point=scale.place(effect) if effect is not None and inside else None,
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
    """Draw one change as a cell of a table."""
    return _cell(drawn(marks(scale, effect, interval, margin=margin, goal=goal), arm))


def drawn(found: ForestMarks, arm: int, top: float = 0.0) -> Iterator[Markup]:
    """Draw a row as lines, `top` below the edge of a picture."""
    bottom, middle = top + HEIGHT, top + HEIGHT / 2
    yield line(found.zero, top, found.zero, bottom, "zero")
    for at, style in ((found.goal, "goal"), (found.margin, "margin")):
        if at is not None:
            yield line(at, top + 2, at, bottom - 2, style)
    if found.start is not None and found.stop is not None:
        yield line(found.start, middle, found.stop, middle, f"s{arm} bar")
    for end, side in ((found.low, -1), (found.high, 1)):
        if end is not None:
            yield _end(end, side, middle, arm)
    if found.point is not None:
        yield dots([(found.point, middle)], f"s{arm} point")


def _end(end: ForestEnd, side: int, middle: float, arm: int) -> Markup:
    """Draw an end of an interval: a stroke, or an arrow where it goes on outside."""
    x, style = end.place, f"s{arm} bar"
    if not end.beyond:
        return line(x, middle - _CAP, x, middle + _CAP, style)
    back = x - side * _ARROW
    points = [(back, middle - _CAP), (x, middle), (back, middle + _CAP)]
    return path(points, f"{style} open")


def _cell(lines: Iterable[Markup]) -> Markup:
    return element(
        "svg",
        *lines,
        viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}",
        preserveAspectRatio="none",
        class_="cell",
        aria_hidden="true",
        focusable="false",
    )


def ticks(scale: PictureScale) -> list[tuple[float, str]]:
    """Return the labels of the axis with their places, in per cent of its width."""
    return [(100 * scale.place(at) / WIDTH, said) for at, said in labels(scale)]


def labels(scale: PictureScale) -> list[tuple[float, str]]:
    """Return the values that stand below an axis, and how they are written."""
    most = next(at for at in _ROUND if at <= 0.8 * scale.high)
    return [(at, "0" if at == 0 else per_cent(at, signed=True)) for at in (-most, 0.0, most)]
