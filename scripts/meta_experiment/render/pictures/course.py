"""The course of an experiment: the band of the effect, and below it evidence and its bar."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby

from meta_experiment.records import dataclass
from meta_experiment.render.markup import Markup, joined
from meta_experiment.render.pictures.drawing import (
    NARROW,
    WIDE,
    apart,
    box,
    line,
    path,
    picture,
    text,
)
from meta_experiment.render.pictures.scales import PictureScale
from meta_experiment.render.report_words import (
    evidence,
    odds_number,
    per_cent,
    planned,
)
from meta_experiment.types.results.report import EvidencePoint, EvidenceSeries

FEWEST = 3  # looks worth a picture
_MANY = 1000  # units from which on the axis is logarithmic
_FARTHEST = 1.5  # of an effect
_LN10 = math.log(10)
_LEAST_LOG = -3.0 * _LN10


@dataclass(frozen=True, slots=True)
class CourseFrame:
    """What a course is drawn against: the least units, the goal, and how evidence is told.

    `bar_worse` is the evidence for "worse" that ends an arm, in natural logarithms.
    """

    minimum: int
    goal: float
    by_e_values: bool
    unit: str
    bar_worse: float


@dataclass(frozen=True, slots=True)
class _Panels:
    width: float
    left: float
    right: float
    band: tuple[float, float]
    evidence: tuple[float, float]
    height: float
    ticks: int


_LAYOUTS = (
    _Panels(WIDE, 64.0, 96.0, (16.0, 250.0), (286.0, 426.0), 470.0, 8),
    _Panels(NARROW, 48.0, 62.0, (16.0, 206.0), (238.0, 346.0), 388.0, 4),
)


def course(
    series: EvidenceSeries, frame: CourseFrame, arm: int, name: str, title: str
) -> Markup:
    """Draw the band and the evidence over the units per arm, in both widths."""
    return joined(
        *(
            _drawn(series, frame, arm, f"{name}{place}", title, layout)
            for place, layout in enumerate(_LAYOUTS)
        )
    )


def _units(point: EvidencePoint) -> int:
    return min(point.control_units, point.treatment_units)


def _drawn(
    series: EvidenceSeries, frame: CourseFrame, arm: int, name: str, title: str, layout: _Panels
) -> Markup:
    points = series.points
    most = _units(points[-1])
    log = most >= _MANY
    x = PictureScale(
        max(2.0, _units(points[0])) if log else 0.0,
        float(max(most, 2)),
        layout.left,
        layout.width - layout.right,
        log,
    )
    about = (
        f"Upper part: the estimated change and its interval over the {frame.unit}s per arm. "
        "Lower part: the evidence for better, and for worse, with the bar it must reach."
    )
    return picture(
        layout.width,
        layout.height,
        name,
        title,
        about,
        _x_axis(x, layout, frame),
        _band(points, frame, x, layout, arm),
        _evidence(series, frame, x, layout, arm),
        _marks(series, frame, x, layout),
    )


def _x_axis(x: PictureScale, layout: _Panels, frame: CourseFrame) -> Markup:
    bottom = layout.evidence[1]
    drawn = []
    for at in x.ticks(layout.ticks):
        place = x.place(at)
        for top, low in (layout.band, layout.evidence):
            drawn.append(line(place, top, place, low, "grid"))
        drawn.append(text(place, bottom + 18, _short(at), "tick", "middle"))
    middle = (x.start + x.end) / 2
    drawn.append(text(middle, bottom + 37, f"{frame.unit}s per arm", "tick", "middle"))
    return joined(*drawn)


def _short(amount: float) -> str:
    if amount >= 1e6:
        return f"{amount / 1e6:g}M"
    return f"{amount / 1e3:g}k" if amount >= 1e3 else f"{amount:g}"


def _band(
    points: Sequence[EvidencePoint],
    frame: CourseFrame,
    x: PictureScale,
    layout: _Panels,
    arm: int,
) -> Markup:
    top, bottom = layout.band
    y = PictureScale(*_range(points, frame.goal), bottom, top)
    known = [it for it in points if it.low is not None or it.high is not None]
    drawn = []
    for at in y.ticks(6 if layout.width == WIDE else 5):
        place = y.place(at)
        drawn.append(line(x.start, place, x.end, place, "grid"))
        drawn.append(
            text(
                x.start - 7, place + 4, per_cent(at, signed=True) if at else "0", "tick", "end"
            )
        )
    if known:
        upper = [
            (x.place(_units(it)), top if it.high is None else y.inside(it.high)) for it in known
        ]
        lower = [
            (x.place(_units(it)), bottom if it.low is None else y.inside(it.low))
            for it in known
        ]
        drawn.append(path([*upper, *reversed(lower)], f"f{arm} band", closed=True))
        drawn += [*_edge(upper, top, arm), *_edge(lower, bottom, arm)]
    drawn.append(line(x.start, y.place(0.0), x.end, y.place(0.0), "zero"))
    labels = [(y.place(0.0), "no change", "tick")]
    if frame.goal:
        drawn.append(line(x.start, y.inside(frame.goal), x.end, y.inside(frame.goal), "goal"))
        labels.append((y.inside(frame.goal), f"goal {planned(frame.goal)}", "goal-text"))
    course = [
        (x.place(_units(it)), y.inside(it.effect)) for it in points if it.effect is not None
    ]
    if course:
        drawn.append(path(course, f"s{arm} course"))
        labels.append(
            (course[-1][1], per_cent(points[-1].effect, signed=True), f"f{arm} strong")
        )
    drawn += _at_the_end(labels, x.end)
    return joined(*drawn)


def _edge(ends: Sequence[tuple[float, float]], border: float, arm: int) -> Iterator[Markup]:
    """Draw an edge of the band, but where it lies outside the picture."""
    for outside, part in groupby(ends, lambda end: abs(end[1] - border) < 0.01):
        if not outside:
            yield path(part, f"s{arm} edge")


def _at_the_end(labels: Sequence[tuple[float, str, str]], end: float) -> list[Markup]:
    places = apart([place for place, _, _ in labels], 15.0)
    return [
        text(end + 7, place + 4, said, style)
        for place, (_, said, style) in zip(places, labels, strict=True)
    ]


def _range(points: Sequence[EvidencePoint], goal: float) -> tuple[float, float]:
    """Return what the later looks span, with nothing beyond all measure."""
    later = points[len(points) // 3 :]
    seen = [0.0, goal]
    for point in later:
        seen += [
            max(-_FARTHEST, min(_FARTHEST, end))
            for end in (point.low, point.high, point.effect)
            if end is not None
        ]
    low, high = min(seen), max(seen)
    room = 0.06 * (high - low or 0.2)
    return low - room, high + room


def _evidence(
    series: EvidenceSeries, frame: CourseFrame, x: PictureScale, layout: _Panels, arm: int
) -> Markup:
    points, (top, bottom) = series.points, layout.evidence
    better = [max(_LEAST_LOG, it.log_better_adjusted) for it in points]
    worse = [max(_LEAST_LOG, it.log_worse) for it in points]
    low = min(0.0, *better, *worse) - 0.4
    high = max(series.bar * 1.3, *better, *worse) * 1.06
    if max(worse) > 0.5 * series.bar:
        high = max(high, frame.bar_worse * 1.1)
    y = PictureScale(low, high, bottom, top)
    bar = y.place(series.bar)
    drawn = [box(x.start, top, x.end - x.start, bar - top, "enough")]
    for ten in _tens(low, high):
        place = y.place(ten * _LN10)
        drawn.append(line(x.start, place, x.end, place, "grid"))
        if abs(place - bar) > 12:
            drawn.append(text(x.start - 7, place + 4, _ten(ten, frame), "tick", "end"))
    drawn.append(line(x.start, bar, x.end, bar, "goal"))
    ends = y.place(frame.bar_worse)
    if max(worse) > 0.5 * series.bar and ends > top:
        drawn.append(line(x.start, ends, x.end, ends, "margin"))
    drawn.append(text(x.start - 7, bar + 4, _level(series.bar, frame), "strong tick", "end"))
    places = [x.place(_units(it)) for it in points]
    drawn.append(path(zip(places, map(y.place, worse), strict=True), "worse"))
    drawn.append(path(zip(places, map(y.place, better), strict=True), f"s{arm} course"))
    labels = [
        (y.place(better[-1]), "better", f"f{arm} strong"),
        (y.place(worse[-1]), "worse", "tick"),
    ]
    labels.append((bar, "enough", "goal-text"))
    if max(worse) > 0.5 * series.bar and ends > top:
        labels.append((ends, "ends it", "margin-text"))
    drawn += _at_the_end(labels, x.end)
    return joined(*drawn)


def _tens(low: float, high: float) -> list[int]:
    first, last = math.ceil(low / _LN10), math.floor(high / _LN10)
    step = max(1, math.ceil((last - first + 1) / 5))
    return [ten for ten in range(first, last + 1) if ten % step == 0]


def _ten(ten: int, frame: CourseFrame) -> str:
    if not frame.by_e_values:
        return f"p {10.0**-ten:g}" if ten >= 0 else ""
    return f"{10.0**ten:,.10g}" if ten < 6 else odds_number(ten * _LN10)


def _level(bar: float, frame: CourseFrame) -> str:
    return (
        odds_number(bar) if frame.by_e_values else evidence(bar, odds=False).replace(" = ", " ")
    )


def _marks(
    series: EvidenceSeries, frame: CourseFrame, x: PictureScale, layout: _Panels
) -> Markup:
    """Draw from when on a plan may decide, and when the evidence first sufficed."""
    top, bottom = layout.band[0], layout.evidence[1]
    drawn = []
    if x.low < frame.minimum < x.high:
        at = x.place(frame.minimum)
        drawn.append(line(at, top, at, bottom, "minimum"))
        drawn.append(
            text(
                at - 5,
                layout.band[1] - 6,
                f"minimum {frame.minimum:,}",
                "tick",
                "end" if at - x.start > 90 else "start",
            )
        )
    if series.first_enough is not None:
        at = x.place(series.first_enough)
        near_end = x.end - at < 110
        drawn.append(line(at, top - 8, at, bottom, "enough-since"))
        drawn.append(
            text(
                at - 5 if near_end else at + 5,
                top + 2,
                f"enough at {series.first_enough:,}",
                "strong",
                "end" if near_end else None,
            )
        )
    return joined(*drawn)
