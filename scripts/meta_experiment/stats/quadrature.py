"""Numerical integration to full precision with few evaluations."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from operator import mul

_NEGLIGIBLE = 40.0  # exp(-40) is below the last digit of a sum that holds a one
_FAINT = 30.0  # likewise for a sum that is right to twelve digits
_NODES = 32


@cache
def gauss_legendre(count: int) -> tuple[tuple[float, float], ...]:
    """Return nodes and weights of the Gauss-Legendre rule on (0, 1).

    Newton's method on the Legendre polynomial (Davis and Rabinowitz 1984, Methods of
    Numerical Integration, 2.7). An even count keeps every node away from the middle.
    """
    lower = []
    for index in range(count // 2):
        x = math.cos(math.pi * (index + 0.75) / (count + 0.5))
        for _ in range(100):
            before, value = 1.0, x
            for k in range(2, count + 1):
                before, value = value, ((2 * k - 1) * x * value - (k - 1) * before) / k
            slope = count * (x * value - before) / (x * x - 1.0)
            step = value / slope
            x -= step
            if abs(step) < 1e-15:
                break
        lower.append((0.5 * (1.0 - x), 1.0 / ((1.0 - x * x) * slope * slope)))
    return (*lower, *((1.0 - x, weight) for x, weight in reversed(lower)))


@cache
def gauss_legendre_remainders(count: int) -> tuple[tuple[float, ...], ...]:
    """Return a row a node: weights of the values for the integral from that node to 1.

    The integral of the polynomial through all values, by its expansion in Legendre polynomials,
    whose integrals are differences of their neighbours (Trefethen 2013, Approximation Theory
    and Approximation Practice, 19).
    """
    rule = gauss_legendre(count)
    table = []  # of the polynomials at each node, from the constant up
    for node, _ in rule:
        x, column = 2.0 * node - 1.0, [1.0, 2.0 * node - 1.0]
        for k in range(2, count + 1):
            column.append(((2 * k - 1) * x * column[-1] - (k - 1) * column[-2]) / k)
        table.append(column)
    rows = []
    for node, at in zip((node for node, _ in rule), table, strict=True):
        steps = [2.0 * (1.0 - node), *(at[k - 1] - at[k + 1] for k in range(1, count))]
        rows.append(
            tuple(
                0.5 * weight * sum(map(mul, steps, of))
                for (_, weight), of in zip(rule, table, strict=True)
            )
        )
    return tuple(rows)


def falling_integral(drop: Callable[[float], float], scale: float) -> float:
    """Integrate exp(-drop(s)) over s ≥ 0, to a relative error near 1e-15.

    `drop` is smooth and convex with drop(0) = 0; `scale` is a length with drop(scale) of the
    order of one. The tail is cut where the integrand is below the last digit.
    """
    near, far = scale, scale * max(2.0, 2.0 * _NEGLIGIBLE / drop(scale))
    while far > 1.06 * near:
        middle = math.sqrt(near * far)
        if drop(middle) < _NEGLIGIBLE:
            near = middle
        else:
            far = middle
    # what bends the integrand lies near the edge: a sixth of the way gets half of the nodes
    near = far / 6.0
    return sum(
        near * weight * math.exp(-drop(near * node))
        + (far - near) * weight * math.exp(-drop(near + (far - near) * node))
        for node, weight in gauss_legendre(_NODES)
    )


def log_concave_integral(
    log_function: Callable[[float], float], guess: float, scale: float
) -> float:
    """Return the log of the integral of a positive log-concave function over the line.

    Climbs to the peak, finds where the function is negligible on either side, and takes one
    Gauss-Legendre panel a side: relative error near 1e-10. `guess` and `scale` are where and
    how far to look first.
    """
    peak, near = _climb(log_function, guess, scale)
    top = log_function(peak)
    total = 0.0
    for direction in (-near, near):
        reach = 4.0 * direction
        while log_function(peak + reach) > top - _FAINT:
            reach *= 1.4
        total += abs(reach) * sum(
            weight * math.exp(log_function(peak + reach * node) - top)
            for node, weight in gauss_legendre(_NODES)
        )
    return top + math.log(total)


def _climb(
    log_function: Callable[[float], float], start: float, stride: float
) -> tuple[float, float]:
    """Return a point near the peak, and a distance over which the function hardly falls."""
    peak, top, fallen = start, log_function(start), math.inf
    while True:
        level = log_function(peak + stride)
        if level > top:
            peak, top, fallen = peak + stride, level, math.inf
            stride *= 2.0
            continue
        if max(fallen, top - level) < 1.0:
            return peak, abs(stride)
        fallen = top - level
        stride *= -0.5
