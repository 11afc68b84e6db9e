"""Group-sequential bounds: a fixed number of looks that together err at α."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum

from meta_experiment.errors import UsageError
from meta_experiment.stats.inputs import require_fraction
from meta_experiment.stats.quadrature import gauss_legendre
from meta_experiment.stats.root_finding import root
from meta_experiment.stats.special import normal_isf, normal_sf

_FARTHEST = 12.0


class Spending(StrEnum):
    """The shape in which the error is spent."""

    POCOCK = "pocock"
    OBRIEN_FLEMING = "obf"


def spent(kind: Spending, information: float, *, alpha: float = 0.05, sides: int = 2) -> float:
    """Return the error spent up to a share of the information (Lan and DeMets 1983).

    O'Brien-Fleming type: sides × (2 - 2Φ(z(α/2 sides)/√t)); Pocock type: α log(1+(e-1)t).

    Raises:
        UsageError: when the share, alpha or sides make no sense.
    """
    require_fraction("alpha", alpha)
    _require_sides(sides)
    if not 0.0 <= information <= 1.0:
        raise UsageError(f"information {information!r}, expected a share from 0 to 1")
    if information == 0.0:
        return 0.0
    if kind is Spending.POCOCK:
        return alpha * math.log1p((math.e - 1.0) * information)
    return sides * 2.0 * normal_sf(normal_isf(0.5 * alpha / sides) / math.sqrt(information))


def spending_bounds(
    information: Sequence[float], kind: Spending, *, alpha: float = 0.05, sides: int = 2
) -> list[float]:
    """Return the critical z at each look so that the error spent so far is as planned.

    Args:
        information: shares of the final information at the looks, rising, at most 1.
        kind: the spending function.
        alpha: total error over all looks.
        sides: 2 for symmetric bounds, 1 for an upper bound.

    Raises:
        UsageError: when the shares do not rise from above 0 to at most 1.
    """
    _require_rising(information)
    path = _Path(sides)
    bounds: list[float] = []
    already = 0.0
    for share in information:
        planned = spent(kind, share, alpha=alpha, sides=sides)
        path.advance(share)
        bounds.append(path.bound_for(planned - already))
        path.stop_at(bounds[-1])
        already = planned
    return bounds


def group_constant(looks: int, kind: Spending, *, alpha: float = 0.05) -> float:
    """Return the constant C of the classical two-sided designs with equally spaced looks.

    Pocock (1977): critical z is C at every look. O'Brien and Fleming (1979): C √(K/k) at
    look k of K.

    Raises:
        UsageError: without looks, or when alpha is no fraction.
    """
    require_fraction("alpha", alpha)
    if looks < 1:
        raise UsageError(f"{looks!r} looks, expected at least one")
    shape = [
        1.0 if kind is Spending.POCOCK else math.sqrt(looks / k) for k in range(1, looks + 1)
    ]

    def excess(constant: float) -> float:
        return _crossing_probability([constant * s for s in shape], looks) - alpha

    return root(excess, normal_isf(0.5 * alpha), 2.0 * normal_isf(0.5 * alpha / looks))


def _crossing_probability(bounds: Sequence[float], looks: int) -> float:
    path = _Path(sides=2)
    total = 0.0
    for k, bound in enumerate(bounds, 1):
        path.advance(k / looks)
        total += path.beyond(bound)
        path.stop_at(bound)
    return total


class _Path:
    """The density of a Brownian motion that has not been stopped yet, look by look.

    The recursion of Armitage, McPherson and Rowe (1969), JRSS-A 132, with Gauss-Legendre
    nodes over the region where the path goes on (Jennison and Turnbull 2000, chapter 19).
    """

    def __init__(self, sides: int) -> None:
        _require_sides(sides)
        self._sides = sides
        self._time = 0.0
        self._step = 0.0
        self._weights = [(0.0, 1.0)]  # where the path may be, and with which weight

    def advance(self, time: float) -> None:
        """Move the time of the next look forward."""
        self._step = math.sqrt(time - self._time)
        self._time = time

    def beyond(self, bound: float) -> float:
        """Return the probability to pass the bound (in z) at this look for the first time."""
        edge = bound * math.sqrt(self._time)
        upper = math.fsum(
            weight * normal_sf((edge - node) / self._step) for node, weight in self._weights
        )
        return self._sides * upper  # with two sides the density is symmetric

    def bound_for(self, probability: float) -> float:
        """Return the z that is passed at this look with the probability."""
        low = 0.0 if self._sides == 2 else -_FARTHEST
        return root(lambda z: self.beyond(z) - probability, low, _FARTHEST)

    def stop_at(self, bound: float) -> None:
        """Keep only the paths within the bound."""
        high = min(bound, _FARTHEST) * math.sqrt(self._time)
        low = -high if self._sides == 2 else -_FARTHEST * math.sqrt(self._time)
        count = 40 + math.ceil(2.0 * (high - low) / self._step)
        width, unit = high - low, self._step * math.sqrt(2.0 * math.pi)

        def density(end: float) -> float:
            return math.fsum(
                weight * math.exp(-0.5 * ((end - start) / self._step) ** 2)
                for start, weight in self._weights
            )

        ends = [(low + width * x, width * w) for x, w in gauss_legendre(2 * (count // 2))]
        self._weights = [(end, density(end) / unit * weight) for end, weight in ends]


def _require_rising(information: Sequence[float]) -> None:
    previous = 0.0
    for share in information:
        if not previous < share <= 1.0:
            raise UsageError(
                f"information {list(information)!r}, expected shares that rise from above 0 "
                "to at most 1"
            )
        previous = share


def _require_sides(sides: int) -> None:
    if sides not in (1, 2):
        raise UsageError(f"{sides!r} sides, expected 1 or 2")
