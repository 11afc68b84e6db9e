"""The course of an experiment: the band of the effect, and below it evidence and its bar."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from meta_experiment.decide.odds import odds_number, power_of_ten
from meta_experiment.records import dataclass
from meta_experiment.render.markup import Markup, joined
from meta_experiment.render.pictures.drawing import (
    NARROW,
    WIDE,
    apart,
    between_edges,
    box,
    held,
    line,
    mark,
    path,
    picture,
    text,
)
from meta_experiment.render.pictures.scales import PictureScale
from meta_experiment.render.report_words import (
    change_chosen,
    evidence,
    name,
    per_cent,
    planned,
)
from meta_experiment.types.results.report import EvidencePoint, EvidenceSeries

FEWEST = 3  # looks worth a picture
_MANY = 1000  # units from which on the axis is logarithmic
_FARTHEST, _OUTSIDE = 1.5, 9.99  # of an end of the band, and of the estimate
_LN10 = math.log(10)
_LEAST_LOG = -3.0 * _LN10


@dataclass(frozen=True, slots=True)
class CourseFrame:
    """What a course is drawn against: the least units, the goal, and how evidence is told.

    `bar_worse` is the evidence for "worse" that ends an arm, in natural logarithms. Of
    `several` treatments every picture has the same margin.
    """

    minimum: int
    goal: float
    by_e_values: bool
    unit: str
    bar_worse: float
    several: bool


@dataclass(frozen=True, slots=True)
class CourseLine:
    """The looks of one treatment, with the number of its arm."""

    series: EvidenceSeries
    arm: int


@dataclass(frozen=True, slots=True)
class _Panels:
    """Where the panels lie, in a picture of one treatment or (`beside`) of several."""

    width: float
    left: float
    right: float
    beside: float
    longest: int  # of a name
    band: tuple[float, float]
    evidence: tuple[float, float]
    height: float
    ticks: int


_LAYOUTS = (
    _Panels(WIDE, 64.0, 96.0, 170.0, 12, (22.0, 250.0), (286.0, 426.0), 470.0, 8),
    _Panels(NARROW, 58.0, 80.0, 92.0, 9, (22.0, 206.0), (238.0, 346.0), 388.0, 4),
)
_LABEL = 15.0  # the height of one


def course(
    shown: CourseLine,
    frame: CourseFrame,
    name: str,
    title: str,
    others: Sequence[CourseLine] = (),
) -> Markup:
    """Draw the band and the evidence over the units per arm, in both widths.

    Of `others` the estimate is drawn beside.
    """
    return joined(
        *(
            _drawn(shown, others, frame, f"{name}{place}", title, layout)
            for place, layout in enumerate(_LAYOUTS)
        )
    )


def _units(point: EvidencePoint) -> int:
    return min(point.control_units, point.treatment_units)


def _looks(series: EvidenceSeries) -> list[EvidencePoint]:
    """Return the last look at each number of units, and the one that first found enough."""
    kept: list[EvidencePoint] = []
    wanted = series.first_enough
    for point, after in zip(series.points, [*series.points[1:], None], strict=True):
        units = _units(point)
        first = units == wanted and point.log_better_adjusted >= series.bar
        if first:
            wanted = None
        if units and (first or after is None or _units(after) > units):
            kept.append(point)
    return kept


def _drawn(
    shown: CourseLine,
    others: Sequence[CourseLine],
    frame: CourseFrame,
    name: str,
    title: str,
    layout: _Panels,
) -> Markup:
    looks = _looks(shown.series)
    most = _units(looks[-1])
    log = most >= _MANY
    x = PictureScale(
        float(_units(looks[0])) if log else 0.0,
        float(max(most, 2)),
        layout.left,
        layout.width - (layout.beside if frame.several else layout.right),
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
        _band(looks, others, frame, x, layout, shown.arm),
        _evidence(looks, shown.series.bar, frame, x, layout, shown.arm),
        _marks(shown.series, frame, x, layout),
    )


def _x_axis(x: PictureScale, layout: _Panels, frame: CourseFrame) -> Markup:
    bottom = layout.evidence[1]
    drawn = []
    for at in x.ticks(layout.ticks):
        if at != round(at):
            continue
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
    looks: Sequence[EvidencePoint],
    others: Sequence[CourseLine],
    frame: CourseFrame,
    x: PictureScale,
    layout: _Panels,
    arm: int,
) -> Markup:
    top, bottom = layout.band
    beside = {
        one.arm: [it for it in _looks(one.series) if _units(it) <= x.high] for one in others
    }
    y = PictureScale(*_range(looks, [*beside.values()], frame.goal, x), bottom, top)
    drawn = []
    for at in y.ticks(6 if layout.width == WIDE else 5):
        place = y.place(at)
        drawn.append(line(x.start, place, x.end, place, "grid"))
        said = change_chosen(round(at, 9)) if at else "0"
        drawn.append(text(x.start - 7, place + 4, said, "tick", "end"))
    known = [it for it in looks if it.low is not None or it.high is not None]
    if known:
        upper, lower = (
            held(
                (
                    (x.place(_units(it)), edge if end is None else y.place(end))
                    for it, end in ends
                ),
                top,
                bottom,
            )
            for edge, ends in (
                (top, [(it, it.high) for it in known]),
                (bottom, [(it, it.low) for it in known]),
            )
        )
        drawn.append(path([*upper, *reversed(lower)], f"f{arm} band", closed=True))
        for ends in (upper, lower):
            parts = between_edges(ends, top, bottom)
            drawn += [path(part, f"s{arm} edge") for part in parts]
    drawn.append(line(x.start, y.place(0.0), x.end, y.place(0.0), "zero"))
    labels = [(y.place(0.0), "no change", "tick")]
    if frame.goal:
        drawn.append(line(x.start, y.inside(frame.goal), x.end, y.inside(frame.goal), "goal"))
        labels.append((y.inside(frame.goal), f"goal {planned(frame.goal)}", "goal-text"))
    for one in others:
        drawn += _estimate(beside[one.arm], x, y, layout, one.arm, "other")
        effect = one.series.points[-1].effect
        if effect is not None:
            who = name(one.series.treatment, layout.longest)
            size = f" {per_cent(effect, signed=True)}" if layout.width == WIDE else ""
            labels.append((y.inside(effect), f"{who}{size}", f"f{one.arm}"))
    drawn += _estimate(looks, x, y, layout, arm, "course")
    if looks[-1].effect is not None:
        said = per_cent(looks[-1].effect, signed=True)
        labels.append((y.inside(looks[-1].effect), said, f"f{arm} strong"))
    drawn += _at_the_end(labels, x.end, bottom)
    return joined(*drawn)


def _estimate(
    looks: Sequence[EvidencePoint],
    x: PictureScale,
    y: PictureScale,
    layout: _Panels,
    arm: int,
    style: str,
) -> Iterator[Markup]:
    """Draw the estimates of an arm; at the end its mark, or an arrow where it goes on."""
    top, bottom = layout.band
    points = [
        (x.place(_units(it)), y.place(it.effect)) for it in looks if it.effect is not None
    ]
    for part in between_edges(held(points, top, bottom), top, bottom):
        yield path(part, f"s{arm} {style}")
    if not points:
        return
    at, place = points[-1]
    if top <= place <= bottom:
        yield mark(at, place, arm)
        return
    edge, back = (top, 9.0) if place < top else (bottom, -9.0)
    ends = [(at - 6, edge + back), (at, edge), (at + 6, edge + back)]
    yield path(ends, f"f{arm}", closed=True)


def _at_the_end(
    labels: Sequence[tuple[float, str, str]], end: float, bottom: float
) -> list[Markup]:
    places = apart([place for place, _, _ in labels], _LABEL, bottom)
    return [
        text(end + 10, place + 4, said, style)
        for place, (_, said, style) in zip(places, labels, strict=True)
    ]


def _range(
    looks: Sequence[EvidencePoint],
    beside: Sequence[Sequence[EvidencePoint]],
    goal: float,
    x: PictureScale,
) -> tuple[float, float]:
    """Return what the later looks span, with nothing beyond all measure but the estimate."""
    begin = x.start + (0.5 if x.log else 0.35) * (x.end - x.start)
    farthest = max(_FARTHEST, min(_OUTSIDE, 1.4 * abs(looks[-1].effect or 0.0)))
    ends = [end for it in looks for end in (it.low, it.high) if x.place(_units(it)) >= begin]
    ends += [
        it.effect for one in (looks, *beside) for it in one if x.place(_units(it)) >= begin
    ]
    seen = [0.0, goal, *(max(-farthest, min(farthest, end)) for end in ends if end is not None)]
    low, high = min(seen), max(seen)
    room = 0.06 * (high - low or 0.2)
    return low - room, high + room


def _evidence(
    looks: Sequence[EvidencePoint],
    needed: float,
    frame: CourseFrame,
    x: PictureScale,
    layout: _Panels,
    arm: int,
) -> Markup:
    top, bottom = layout.evidence
    better = [max(_LEAST_LOG, it.log_better_adjusted) for it in looks]
    worse = [max(_LEAST_LOG, it.log_worse) for it in looks]
    low = min(0.0, *better, *worse) - 0.4
    high = max(needed * 1.3, *better, *worse) * 1.06
    if max(worse) > 0.5 * needed:
        high = max(high, frame.bar_worse * 1.1)
    y = PictureScale(low, high, bottom, top)
    bar = y.place(needed)
    drawn = [box(x.start, top, x.end - x.start, bar - top, "enough")]
    for ten in _tens(low, high):
        place = y.place(ten * _LN10)
        drawn.append(line(x.start, place, x.end, place, "grid"))
        if abs(place - bar) > _LABEL:
            drawn.append(text(x.start - 7, place + 4, _ten(ten, frame), "tick", "end"))
    drawn.append(line(x.start, bar, x.end, bar, "goal"))
    ends = y.place(frame.bar_worse)
    ending = max(worse) > 0.5 * needed and top < ends < bar - 4
    if ending:
        drawn.append(line(x.start, ends, x.end, ends, "margin"))
    drawn.append(text(x.start - 7, bar + 4, _level(needed, frame), "strong tick", "end"))
    places = [x.place(_units(it)) for it in looks]
    sides = [("worse", worse), ("better", better)]
    if looks[-1].log_worse >= frame.bar_worse:
        sides.reverse()  # what decides is drawn last, and strong
    labels = []
    for (word, seen), line_style, word_style in zip(
        sides, ("beside", f"s{arm} course"), ("tick", f"f{arm} strong"), strict=True
    ):
        drawn.append(path(zip(places, map(y.place, seen), strict=True), line_style))
        labels.append((y.place(seen[-1]), word, word_style))
    labels.append((bar, "enough", "goal-text"))
    if ending:
        labels.append((ends, "ends it", "margin-text"))
    drawn += _at_the_end(labels, x.end, bottom)
    return joined(*drawn)


def _tens(low: float, high: float) -> list[int]:
    first, last = math.ceil(low / _LN10), math.floor(high / _LN10)
    step = max(1, math.ceil((last - first + 1) / 5))
    return [ten for ten in range(first, last + 1) if ten % step == 0]


def _ten(ten: int, frame: CourseFrame) -> str:
    if not frame.by_e_values:
        if ten < 0:
            return ""
        return f"p {10.0**-ten:g}" if ten < 4 else f"p {power_of_ten(-ten)}"
    return f"{10.0**ten:,.10g}" if ten < 5 else power_of_ten(ten)


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
        crossing = None if series.first_enough is None else x.place(series.first_enough)
        said = f"minimum {frame.minimum:,}"
        drawn.append(line(at, top, at, bottom, "minimum"))
        drawn.append(_upright(x, at, layout.band[1] + 15, said, "tick", crossing))
    if series.first_enough is not None:
        at = x.place(series.first_enough)
        said = f"enough at {series.first_enough:,}"
        if series.enough_since not in (None, series.first_enough) and layout.width == WIDE:
            said += f", held since {series.enough_since:,}"
        drawn.append(line(at, top - 14, at, bottom, "enough-since"))
        drawn.append(_upright(x, at, top - 6, said, "strong"))
    return joined(*drawn)


def _upright(
    x: PictureScale,
    at: float,
    place: float,
    said: str,
    style: str,
    crossing: float | None = None,
) -> Markup:
    """Write what an upright line is on that side on which there is room, and no other line."""
    room = (x.end if crossing is None or crossing <= at else crossing) - at
    if room < 8 * len(said):
        return text(at - 5, place, said, style, "end")
    return text(at + 5, place, said, style)
