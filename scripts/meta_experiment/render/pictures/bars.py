"""Bars: cases from the largest gain to the largest loss, and units as they arrived."""

from __future__ import annotations

from collections.abc import Sequence

from meta_experiment.render.markup import Markup, joined
from meta_experiment.render.pictures.drawing import (
    NARROW,
    WIDE,
    arm_style,
    box,
    line,
    picture,
    text,
)
from meta_experiment.render.pictures.scales import PictureScale
from meta_experiment.render.report_words import day, moment, three_figures, tick
from meta_experiment.types import Direction
from meta_experiment.types.results.report import Arrivals, CaseComparison
from meta_experiment.types.results.report_metrics import ReportMetric

_DAY = 86_400.0


def gains(
    cases: CaseComparison, metric: ReportMetric, arm: int, name: str, title: str
) -> Markup:
    """Draw the change of every case, up where it is better, in both widths."""
    sign = 1 if metric.direction is Direction.HIGHER else -1
    changes = [sign * (row.treatment - row.control) for row in cases.rows]
    reach = max(map(abs, changes), default=0.0) or 1.0
    drawn = []
    for place, (width, left, height) in enumerate(((WIDE, 64.0, 214.0), (NARROW, 52.0, 194.0))):
        y = PictureScale(-reach, reach, height - 26, 26.0)
        step = (width - left - 20) / max(1, len(changes))
        parts = []
        for at in y.ticks(4):
            parts.append(line(left, y.place(at), width - 20, y.place(at), "grid"))
            signed = f"{'+' if at > 0 else '−' if at < 0 else ''}{three_figures(abs(at))}"
            parts.append(text(left - 7, y.place(at) + 4, signed, "tick", "end"))
        zero = y.place(0.0)
        for number, change in enumerate(changes):
            top = min(zero, y.place(change))
            tall = max(abs(y.place(change) - zero), 1.5)
            x = left + step * number
            style = f"f{arm} bins" if change > 0 else "loss" if change < 0 else "same"
            parts.append(
                box(x, top if change else zero - 1, max(0.8, step * 0.78), tall, style)
            )
        parts.append(line(left, zero, width - 20, zero, "zero"))
        parts.append(text(width - 20, 12, "↑ better with the treatment", "tick", "end"))
        parts.append(text(width - 20, height - 8, "↓ worse", "tick", "end"))
        about = "One bar for each case, from the largest gain to the largest loss."
        drawn.append(picture(width, height, f"{name}{place}", title, about, *parts))
    return joined(*drawn)


def arriving(arrivals: Arrivals, name: str, title: str) -> Markup | None:
    """Draw how many units of each arm began in each step of time, in both widths."""
    steps = max(map(len, arrivals.units.values()), default=0)
    if arrivals.begin is None or steps < 2:
        return None
    most = max(max(counts) for counts in arrivals.units.values())
    drawn = []
    for place, (width, left, height) in enumerate(((WIDE, 64.0, 140.0), (NARROW, 48.0, 130.0))):
        y = PictureScale(0.0, float(most or 1), height - 30, 12.0)
        step = (width - left - 12) / steps
        wide = step * 0.8 / len(arrivals.units)
        parts = []
        for at in y.ticks(3):
            parts.append(line(left, y.place(at), width - 12, y.place(at), "grid"))
            parts.append(text(left - 7, y.place(at) + 4, tick(at), "tick", "end"))
        for number, counts in enumerate(arrivals.units.values()):
            parts += [
                box(
                    left + step * at + wide * number,
                    y.place(count),
                    max(0.6, wide - 0.5),
                    y.start - y.place(count),
                    f"f{arm_style(number)} bins",
                )
                for at, count in enumerate(counts)
                if count
            ]
        parts += _days(arrivals, steps, left, step, height)
        about = "For each step of time a bar for each arm, as high as it has new units."
        drawn.append(picture(width, height, f"{name}{place}", title, about, *parts))
    return joined(*drawn)


def _days(
    arrivals: Arrivals, steps: int, left: float, step: float, height: float
) -> Sequence[Markup]:
    shown = [0, steps // 2, steps - 1] if steps > 4 else [0, steps - 1]
    begin = arrivals.begin or 0.0
    told = day if arrivals.step_seconds >= _DAY else lambda at: moment(at)[5:16]
    return [
        text(
            left + step * (at + (0 if not at else 1 if at == steps - 1 else 0.5)),
            height - 10,
            told(begin + arrivals.step_seconds * at),
            "tick",
            None if not at else "end" if at == steps - 1 else "middle",
        )
        for at in shown
    ]
