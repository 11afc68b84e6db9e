"""Scales: places for values, and the round values to write beside them."""

from __future__ import annotations

import math
from collections.abc import Iterable

from meta_experiment.records import dataclass

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_IN_A_DECADE = ((1.0, 2.0, 5.0), (1.0, 3.0), (1.0,))


@dataclass(frozen=True, slots=True)
class PictureScale:
    """Scale from values to places in a picture, linear or logarithmic."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def place(self, amount: float) -> float:
        """Return the place of a value, which may lie outside."""
        low, high = self._on(self.low), self._on(self.high)
        share = (self._on(amount) - low) / (high - low) if high > low else 0.5
        return self.start + share * (self.end - self.start)

    def inside(self, amount: float) -> float:
        """Return the place of a value, or the edge of the picture where it lies beyond."""
        least, most = sorted((self.start, self.end))
        return min(max(self.place(amount), least), most)

    def ticks(self, many: int) -> list[float]:
        """Return round values on the scale, about so many."""
        return self._decades(many) if self.log else self._round(many)

    def _on(self, amount: float) -> float:
        return math.log(max(amount, 1e-300)) if self.log else amount

    def _round(self, many: int) -> list[float]:
        width = self.high - self.low
        if width <= 0 or many < 1:
            return [self.low]
        ten = 10.0 ** math.floor(math.log10(width / many))
        step = next((ten * one for one in _STEPS if width / (ten * one) <= many), 10 * ten)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [float(f"{step * place:.12g}") for place in range(first, last + 1)]

    def _decades(self, many: int) -> list[float]:
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        for inside in _IN_A_DECADE:
            found = [
                float(f"{one:g}e{ten}")
                for ten in range(first, last + 1)
                for one in inside
                if self.low * 0.999 <= one * 10.0**ten <= self.high * 1.001
            ]
            if len(found) <= many:
                break
        if len(found) < 2:
            return self._round(many)
        return found[:: math.ceil(len(found) / many)]


def widest(ends: Iterable[float], least: float, most: float) -> float:
    """Return how far an axis reaches so that three of four ends lie on it, within limits."""
    sizes = sorted(map(abs, ends))
    if not sizes:
        return least
    return min(max(sizes[math.ceil(0.75 * len(sizes)) - 1] * 1.08, least), most)
