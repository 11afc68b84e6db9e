"""Changes of all metrics on one axis, on which right is better."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from meta_experiment.render.markup import Markup, element
from meta_experiment.render.pictures.drawing import dots, line, path
from meta_experiment.render.pictures.scales import PictureScale, widest
from meta_experiment.render.report_words import per_cent
from meta_experiment.types import Interval
from meta_experiment.types.results.report_metrics import ReportResult

WIDTH, HEIGHT = 300.0, 28.0
_LEAST, _MOST = 0.05, 0.6
_ROUND = (0.4, 0.3, 0.25, 0.2, 0.15, 0.1, 0.08, 0.05, 0.04, 0.02)  # labels of the axis
_MIDDLE, _CAP, _ARROW = HEIGHT / 2, 5.0, 4.0


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


def row(
    scale: PictureScale,
    effect: float | None,
    interval: Interval | None,
    *,
    arm: int,
    margin: float | None = None,
    goal: float | None = None,
) -> Markup:
    """Draw one change: its point, the interval, and what it is held against."""
    drawn = [line(scale.place(0.0), 0.0, scale.place(0.0), HEIGHT, "zero")]
    if goal and goal <= scale.high:
        drawn.append(line(scale.place(goal), 2.0, scale.place(goal), HEIGHT - 2, "goal"))
    if margin is not None and margin <= scale.high:
        at = scale.place(-margin)
        drawn.append(line(at, 2.0, at, HEIGHT - 2, "margin"))
    low, high = (interval.low, interval.high) if interval else (None, None)
    if low is not None or high is not None:
        start = scale.start if low is None else scale.inside(low)
        end = scale.end if high is None else scale.inside(high)
        drawn.append(line(start, _MIDDLE, end, _MIDDLE, f"s{arm} bar"))
        if low is None or low <= scale.high:
            drawn.append(_end(start, -1, low is None or low < scale.low, arm))
        if high is None or high >= scale.low:
            drawn.append(_end(end, 1, high is None or high > scale.high, arm))
    if effect is not None and scale.low <= effect <= scale.high:
        drawn.append(dots([(scale.place(effect), _MIDDLE)], f"s{arm} point"))
    return _cell(drawn)


def _end(x: float, side: int, beyond: bool, arm: int) -> Markup:
    """Draw an end of an interval: a stroke, or an arrow where it goes on outside."""
    if not beyond:
        return line(x, _MIDDLE - _CAP, x, _MIDDLE + _CAP, f"s{arm} bar")
    back = x - side * _ARROW
    points = [(back, _MIDDLE - _CAP), (x, _MIDDLE), (back, _MIDDLE + _CAP)]
    return path(points, f"s{arm} bar open")


def _cell(drawn: Iterable[Markup]) -> Markup:
    return element(
        "svg",
        *drawn,
        viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}",
        preserveAspectRatio="none",
        class_="cell",
        aria_hidden="true",
        focusable="false",
    )


def ticks(scale: PictureScale) -> list[tuple[float, str]]:
    """Return the labels of the axis with their places, in per cent of its width."""
    most = next(at for at in _ROUND if at <= 0.8 * scale.high)
    return [
        (100 * scale.place(at) / WIDTH, "0" if at == 0 else per_cent(at, signed=True))
        for at in (-most, 0.0, most)
    ]
