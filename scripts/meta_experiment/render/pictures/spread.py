"""The values of the units, arm by arm: dots, bars of few values, or a histogram."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from meta_experiment.records import dataclass
from meta_experiment.render.markup import Markup, joined
from meta_experiment.render.pictures.drawing import (
    NARROW,
    WIDE,
    arm_style,
    box,
    dots,
    line,
    path,
    picture,
    text,
)
from meta_experiment.render.pictures.scales import PictureScale
from meta_experiment.render.report_words import name, per_cent, three_figures, tick
from meta_experiment.render.report_words import value as written
from meta_experiment.types import MetricKind, Scale
from meta_experiment.types.results.report_metrics import ArmDistribution, ReportResult

_ROW, _LETTER = 88.0, 8.8
_TOP, _BOTTOM = 8.0, 44.0
_DOT, _STACK = 5.0, 50.0
_PEAK = 44.0  # of a histogram: the label of the centre stands above it
_FEW = 8
_SHARES = (MetricKind.PROPORTION, MetricKind.PREFERENCE)


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where the rows lie, and how much lower than their name."""

    width: float
    left: float
    right: float
    ticks: int
    lower: float
    longest: int  # text below the axis

    @property
    def row(self) -> float:
        """Return the height of a row."""
        return _ROW + self.lower


_FRAMES = (_Frame(WIDE, 64.0, 30.0, 7, 0.0, 70), _Frame(NARROW, 14.0, 14.0, 4, 16.0, 34))
_LONGEST = 16  # name of an arm beside its row


def spread(result: ReportResult, identity: str, title: str) -> Markup | None:
    """Draw the values of every arm below each other, in both widths; None without any."""
    arms = {who: arm for who, arm in result.arms.items() if arm.quantiles}
    if not arms:
        return None
    low = min(arm.quantiles["0"] for arm in arms.values())
    high = max(arm.quantiles["100"] for arm in arms.values())
    distinct = {value for arm in arms.values() for value in _distinct(arm)}
    few = len(distinct) <= _FEW and 2 * len(distinct) <= sum(arm.n for arm in arms.values())
    drawer = _counted if few else _measured
    about = "For each arm its units by their value, with the centre and the middle half."
    drawn = []
    named = 24 + _LETTER * max(len(name(who, _LONGEST)) for who in arms)
    wide, narrow = _FRAMES
    for place, frame in enumerate((replace(wide, left=max(wide.left, named)), narrow)):
        height = _TOP + frame.row * len(arms) + _BOTTOM
        drawn.append(
            picture(
                frame.width, height, f"{identity}{place}", title, about,
                drawer(result, arms, frame, low, high, height),
            )
        )  # fmt: skip
    return joined(*drawn)


def _distinct(arm: ArmDistribution) -> Sequence[float]:
    if arm.counts:
        return [item.value for item in arm.counts]
    return arm.values or range(_FEW + 1)


def _counts(arm: ArmDistribution) -> dict[float, int]:
    if arm.counts:
        return {item.value: item.units for item in arm.counts}
    return dict(sorted(Counter(arm.values).items()))


def _named(frame: _Frame, who: str, number: int, top: float) -> Markup:
    if frame.width == WIDE:
        return text(
            frame.left - 14,
            top + 34,
            name(who, _LONGEST),
            f"f{arm_style(number)} strong",
            "end",
        )
    return text(frame.left, top + 12, name(who, 34), f"f{arm_style(number)} strong")


def _measured(
    result: ReportResult, arms: dict[str, ArmDistribution], frame: _Frame,
    low: float, high: float, height: float,
) -> Markup:  # fmt: skip
    log = result.metric.scale is Scale.LOG and low > 0
    x = PictureScale(low, high, frame.left + 8, frame.width - frame.right, log)
    bottom = height - _BOTTOM
    drawn = []
    for at in x.ticks(frame.ticks):
        drawn.append(line(x.place(at), _TOP, x.place(at), bottom, "grid"))
        drawn.append(text(x.place(at), bottom + 16, tick(at), "tick", "middle"))
    metric = result.metric
    told = metric.unit and not metric.label.endswith(metric.unit)
    unit = f", {name(metric.unit, 20)}" if told else ""
    scale = " (log scale)" if log else ""
    middle = (x.start + x.end) / 2
    said = f"{result.metric.label}{unit}{scale}"
    drawn.append(text(middle, height - 9, name(said, frame.longest), "tick", "middle"))
    for number, (who, arm) in enumerate(arms.items()):
        top = _TOP + frame.row * number
        drawn.append(_named(frame, who, number, top))
        top += frame.lower
        floor = top + 62
        drawn.append(
            _histogram(arm, result.edges, x, floor, number)
            if arm.bins
            else _swarm(arm.values, x, floor, number)
        )
        drawn.append(_box_plot(arm, x, floor + 11, number))
        if arm.centre is not None and low <= arm.centre <= high:
            at = x.place(arm.centre)
            drawn.append(line(at, top + 16, at, floor + 18, "centre"))
            room = int(max(at, frame.width - at) / _LETTER)
            shown = written(arm.centre, result.metric)
            shown = shown if len(shown) <= room else name(shown, room)
            late = at + _LETTER * len(shown) > frame.width
            drawn.append(
                text(
                    at - 6 if late else at + 6,
                    top + 14,
                    shown,
                    "strong",
                    "end" if late else None,
                )
            )
    return joined(*drawn)


def _swarm(values: Sequence[float], x: PictureScale, floor: float, number: int) -> Markup:
    columns = Counter[int]()
    most = Counter(round(x.place(value) / _DOT) for value in values).most_common(1)
    step = min(_DOT, (_STACK - _DOT) / max(1, most[0][1] - 1)) if most else _DOT
    places = []
    for value in values:
        column = round(x.place(value) / _DOT)
        places.append((column * _DOT, floor - 3 - step * columns[column]))
        columns[column] += 1
    drawn = dots(places, f"s{arm_style(number)} dots")
    return drawn if number else joined(drawn, dots(places, "hole dots"))


def _histogram(
    arm: ArmDistribution, edges: Sequence[float], x: PictureScale, floor: float, number: int
) -> Markup:
    most = max(arm.bins) or 1
    points = [(x.place(edges[0]), floor)]
    for count, left, right in zip(arm.bins, edges, edges[1:], strict=False):
        height = floor - _PEAK * count / most
        points += [(x.place(left), height), (x.place(right), height)]
    points.append((x.place(edges[-1]), floor))
    return path(points, f"f{arm_style(number)} bins", closed=True)


def _box_plot(arm: ArmDistribution, x: PictureScale, y: float, number: int) -> Markup:
    places = {key: x.place(value) for key, value in arm.quantiles.items()}
    return joined(
        line(places["5"], y, places["95"], y, f"s{arm_style(number)} nine"),
        line(places["25"], y, places["75"], y, f"s{arm_style(number)} half"),
    )


def _counted(
    result: ReportResult, arms: dict[str, ArmDistribution], frame: _Frame,
    low: float, high: float, height: float,
) -> Markup:  # fmt: skip
    del low, high
    values = sorted({value for arm in arms.values() for value in _distinct(arm)})
    start, end = frame.left + 8, frame.width - frame.right
    step = (end - start) / len(values)
    bottom = height - _BOTTOM
    place: Callable[[int], float] = lambda at: start + step * (at + 0.5)  # noqa: E731
    labels = [
        written(value, result.metric) if result.metric.kind in _SHARES else three_figures(value)
        for value in values
    ]
    every = -(-int(_LETTER * max(map(len, labels))) // int(step))
    drawn = [
        text(place(at), bottom + 16, label, "tick", "middle")
        for at, label in enumerate(labels)
        if at % every == 0
    ]
    label = name(result.metric.label, frame.longest)
    drawn.append(text((start + end) / 2, height - 9, label, "tick", "middle"))
    shares = [
        {value: count / max(1, arm.n) for value, count in _counts(arm).items()}
        for arm in arms.values()
    ]
    most = max(share for one in shares for share in one.values())
    for number, who in enumerate(arms):
        top = _TOP + frame.row * number
        floor = top + frame.lower + 76
        drawn.append(_named(frame, who, number, top))
        drawn.append(line(start, floor, end, floor, "grid"))
        for at, value in enumerate(values):
            share = shares[number].get(value, 0.0)
            wide = min(46.0, step * 0.55)
            tall = _STACK * share / most
            drawn.append(
                box(
                    place(at) - wide / 2, floor - tall, wide, tall, f"f{arm_style(number)} bins"
                )
            )
            drawn.append(text(place(at), floor - tall - 5, per_cent(share), "tick", "middle"))
    return joined(*drawn)
