"""Differences on a metric's scale as effects in which positive is better, and back.

A relative effect of 0.2 is 20% better: a fifth less where lower is better, a fifth more
where higher is. On the log scale it is one of geometric means, on the raw scale one of
arithmetic means, relative to the size of the control's.
"""

from __future__ import annotations

import math
from typing import Protocol, Self, TypeVar

from meta_experiment.types import Direction, Effect, Metric, Scale

Bound = float | None

_LARGEST_LOG = 700.0  # beyond, a ratio is as good as unbounded


def sign(metric: Metric) -> int:
    """Return +1 where higher is better and -1 where lower is."""
    return 1 if metric.direction is Direction.HIGHER else -1


def effect(control: float, treatment: float, metric: Metric) -> Effect:
    """Compare two means that are given on the metric's scale.

    The absolute effect is treatment minus control in the metric's unit, the relative one
    positive for better; it does not exist against a control of zero on the raw scale.
    """
    if metric.scale is Scale.LOG:
        return Effect(
            math.exp(treatment) - math.exp(control),
            sign(metric) * math.expm1(treatment - control),
        )
    difference = treatment - control
    relative = sign(metric) * difference / abs(control) if control else None
    return Effect(difference, relative)


def improvement(seen: Effect, metric: Metric, least: float) -> float:
    """Return the relative effect; against a control of zero a gain is infinite, as any loss.

    That holds where no change is below `least` -1, so that a mean of zero is nothing at all:
    any gain is more than so many per cent of it. Of values that may be negative a gain counts
    0, as there is nothing to refer it to. Minus infinity where there is no estimate, or no
    change from zero.
    """
    if seen.relative is not None:
        return seen.relative
    gained = seen.absolute is not None and sign(metric) * seen.absolute > 0
    if not gained:
        return -math.inf
    return math.inf if least >= -1.0 else 0.0


def orientation(control: float, metric: Metric) -> float:
    """Return +1 when treatment over control grows with the relative effect, else -1."""
    return sign(metric) * (math.copysign(1.0, control) if metric.scale is Scale.RAW else 1.0)


class Movable(Protocol):
    """Data to be multiplied, or have a constant added: moments, and samples."""

    def scaled(self, factor: float) -> Self:
        """Return it multiplied by a factor."""

    def shifted(self, delta: float) -> Self:
        """Return it with a constant added."""


T = TypeVar("T", bound=Movable)


def at_boundary(control: T, mean: float, relative: float, metric: Metric) -> T | None:
    """Return the control of that mean as it would be at a relative effect: the null of a test.

    On the raw scale the whole distribution is scaled (so is its spread), on the log scale
    shifted. None when no treatment can reach the boundary: a positive value cannot get
    better than by 100% where lower is better.
    """
    if relative == 0:
        return control
    change = 1.0 + orientation(mean, metric) * relative
    if metric.scale is Scale.RAW:
        return control.scaled(change)
    return control.shifted(math.log(change)) if change > 0 else None


def bounds(
    low: Bound, high: Bound, control: float, metric: Metric, least: float
) -> tuple[Bound, Bound]:
    """Turn bounds of the change from control to treatment into bounds of the relative effect.

    On the log scale they bound the difference of logarithms, on the raw scale treatment over
    control minus one. None is unbounded; no change is below the `least` there can be.
    """
    towards = orientation(control, metric)
    if metric.scale is Scale.LOG:
        low, high = _expm1(low), _expm1(high)
    first, second = (
        None if bound is None else towards * max(least, bound) for bound in (low, high)
    )
    return (first, second) if towards > 0 else (second, first)


def less_one(bounds: tuple[Bound, Bound]) -> tuple[Bound, Bound]:
    """Turn bounds of a ratio into bounds of its difference from one."""
    low, high = (None if bound is None else bound - 1.0 for bound in bounds)
    return low, high


def _expm1(bound: Bound) -> Bound:
    return None if bound is None or bound > _LARGEST_LOG else math.expm1(bound)
