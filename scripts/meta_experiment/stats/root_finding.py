"""Roots: the place where a function passes zero, or a condition ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

_SHORTEST, _LONGEST = 1e-3, 0.05  # of the first step, as shares of the guess


def root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a monotone function passes zero between two points, to 14 digits.

    The Illinois variant of the secant rule, which keeps its bracket (Dowell and Jarratt 1971,
    BIT 11): an end that stays twice running counts half. Three steps that do not halve the
    bracket are followed by its middle. When both ends have the same sign the end nearer to
    zero is returned.
    """
    value_low, value_high = function(low), function(high)
    if value_low * value_high >= 0.0:
        return low if abs(value_low) < abs(value_high) else high
    stayed, width, steps = math.nan, abs(high - low), 0
    for _ in range(200):
        x = (low * value_high - high * value_low) / (value_high - value_low)
        if abs(high - low) <= 0.5 * width:
            width, steps = abs(high - low), 0
        elif steps == 3:
            x, steps = 0.5 * (low + high), 0
        if math.isnan(x):  # a value at an end is infinite
            x = 0.5 * (low + high)
        least = 0.5e-14 * abs(x)
        if abs(high - low) <= 2.0 * least:
            break
        # a point too near an end, or by rounding beyond it, moves off it: both ends close in
        x = min(max(x, min(low, high) + least), max(low, high) - least)
        value, steps = function(x), steps + 1
        if value == 0.0:
            return x
        if (value > 0.0) == (value_high > 0.0):
            high, value_high = x, value
            value_low *= 0.5 if stayed == low else 1.0
            stayed = low
        else:
            low, value_low = x, value
            value_high *= 0.5 if stayed == high else 1.0
            stayed = high
    return 0.5 * (low + high)


def rising_root(
    function: Callable[[float], float], guess: float, largest: float, precision: float = 1e-12
) -> float | None:
    """Return where a rising function passes zero between 0 and `largest`, to a precision.

    Inverse quadratic interpolation, which keeps a bracket and falls back on bisection (Brent
    1973, Algorithms for Minimization without Derivatives, chapter 4), from a positive guess,
    for functions that are dear: a point that is known to be near enough is not looked at. None
    when the function is below zero even at `largest`.
    """
    low, high, known = 0.0, largest, False
    x = min(guess, largest)
    points = [(x, function(x))]
    # evidence rises with about half the square of its statistic
    stride = min(max(abs(points[0][1]) / (x * x), _SHORTEST), _LONGEST)
    ahead = x - math.copysign(stride * x, points[0][1])
    off = math.inf
    for turn in range(1, 400):
        x, value = points[-1]
        low, high = (x, high) if value < 0.0 else (low, x)
        if not low < ahead < min(high, 4.0 * x) or turn % 8 == 0:
            if not known and high == largest and function(largest) < 0.0:
                return None
            known = True
            ahead = math.sqrt(max(low, 1e-3 * high) * high)
        elif off <= precision * x:
            return ahead
        if high - low <= max(1e-14, 0.1 * precision) * x or value == 0.0:
            break
        points = [*points[-2:], (ahead, function(ahead))]
        ahead, off = _interpolated(points)
    return x


def _interpolated(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return where a function through its last points passes zero, and how far off that may be.

    A polynomial of the inverse function, in Newton's form.
    """
    *far, (b, at_b), (c, at_c) = points
    if at_b == at_c:
        return math.inf, math.inf
    slope = (c - b) / (at_c - at_b)
    ahead, near = c - at_c * slope, abs(c - b) < 0.01 * abs(c)
    if far and far[0][1] not in {at_b, at_c}:
        a, at_a = far[0]
        change = slope - (b - a) / (at_b - at_a)
        ahead += at_b * at_c * change / (at_c - at_a)
        closing_in = abs(at_c) < abs(at_b) < abs(at_a) and abs(c - a) < 0.5 * abs(c)
        if closing_in and abs(change) < 0.5 * abs(slope):
            bent, closer = (change / slope) ** 2 * abs((c - b) / (c - a)), abs(at_c / at_a)
            return ahead, 10.0 * abs(ahead - c) * max(bent, closer)
    return ahead, abs(ahead - c) if near else math.inf


def narrowed(
    function: Callable[[float], float], below: float, above: float, precision: float
) -> float:
    """Return the nearest point found at which a function is not below zero, to a precision.

    It is below zero at `below` and not at `above`, on whichever side of it that lies. The
    Illinois variant, for functions that are dear and may jump: a point that falls too near an
    end moves off it, so that both ends close in.
    """
    low, high = function(below), function(above)
    while abs(above - below) > precision:
        width = above - below
        share = 0.5 if math.isinf(low) or math.isinf(high) else low / (low - high)
        least = min(0.5, precision / abs(width))
        middle = below + width * min(max(share, least), 1.0 - least)
        if middle in (below, above):
            break
        value = function(middle)
        if value < 0.0:
            below, low, high = middle, value, 0.5 * high
        else:
            above, high, low = middle, value, 0.5 * low
    return above


def fewest(holds: Callable[[int], bool], below: int, most: int) -> int | None:
    """Return the first whole number above `below` from which on a condition holds.

    None when it does not hold at `most`.
    """
    if not holds(most):
        return None
    low, high = below, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def edge(holds: Callable[[float], bool], inside: float, outside: float) -> float:
    """Return the outermost point, towards `outside`, at which a condition still holds.

    Bisection to the last digits. It holds at `inside` and, once ended, does not hold again.
    """
    if holds(outside):
        return outside
    for _ in range(200):
        middle = 0.5 * (inside + outside)
        if middle in (inside, outside) or abs(outside - inside) < 1e-15:
            break
        if holds(middle):
            inside = middle
        else:
            outside = middle
    return inside
