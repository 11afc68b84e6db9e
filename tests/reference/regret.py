"""The least regret of any rule that draws well in the long run (Lai and Robbins 1985)."""

from __future__ import annotations

import math
from collections.abc import Sequence


def regret_constant(rates: Sequence[float]) -> float:
    """Return c of c·ln T, the regret of T draws: Σ (p* - p) / KL(p, p*) over the worse arms."""
    best = max(rates)
    return math.fsum((best - p) / _divergence(p, best) for p in rates if p < best)


def _divergence(p: float, q: float) -> float:
    parts = ((p, q), (1.0 - p, 1.0 - q))
    return math.fsum(a * math.log(a / b) for a, b in parts if a)
