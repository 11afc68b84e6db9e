"""The budget of runs: what may be spent, what is, and what those under way may still take."""

from __future__ import annotations

from meta_experiment.records import dataclass
from meta_experiment.types.runs import Spent

_MOST_CUT = 3  # runs of which the price is not known, before any is


@dataclass(frozen=True, slots=True)
class Caps:
    """Limits of a whole series of runs; None is no limit."""

    usd: float | None = None
    tokens: float | None = None
    seconds: float | None = None

    @property
    def any(self) -> bool:
        """Whether there is a limit at all."""
        return not self.usd is self.tokens is self.seconds is None


class Budget:
    """What was spent so far, failed attempts included, held against the caps.

    A cap is asked before each start. What a run costs is known when it has ended, so that the
    first one goes alone, and for each one under way, or cut off, as much is held back as the
    dearest took.
    """

    def __init__(self, caps: Caps) -> None:
        """Begin with nothing spent."""
        self.caps = caps
        self.usd = 0.0
        self.tokens = 0.0
        self.unpriced = 0
        self._cut = 0  # runs of which it is not known what they took
        self._known = False  # what a run takes
        self._dearest = Spent(0.0)

    def spend(self, spent: Spent) -> None:
        """Add what one attempt took."""
        self.tokens += spent.tokens
        self._known = self._known or not spent.cut
        if spent.cut and spent.usd is None:
            self._cut += 1
        elif spent.usd is None:
            self.unpriced += 1
        else:
            self.usd += spent.usd
        self._dearest = Spent(
            max(self._dearest.usd or 0.0, spent.usd or 0.0),
            max(self._dearest.tokens, spent.tokens),
        )

    def refusal(self, under_way: int, seconds: float) -> str | None:
        """Say why no further run may start, with so many under way after so many seconds."""
        caps, more = self.caps, under_way + 1 + self._cut
        if caps.seconds is not None and seconds >= caps.seconds:
            return f"its {caps.seconds / 60:g} minutes are over"
        if under_way and not self._known and (caps.usd is not None or caps.tokens is not None):
            return "what a run takes is known when the first has ended"
        if caps.usd is not None:
            in_vain = not self._known and self._cut >= _MOST_CUT
            if self.unpriced or in_vain:
                return (
                    f"the price of {self.unpriced or self._cut} of its runs is not known, so "
                    "that a cap in USD cannot hold; give one in tokens"
                )
            reserve = more * (self._dearest.usd or 0.0)
            if self.usd >= caps.usd or self.usd + reserve > caps.usd:
                return (
                    f"its cap of ${caps.usd:g} would be passed: ${self.usd:.4g} spent, and the "
                    f"dearest run so far took ${self._dearest.usd or 0.0:.4g}"
                )
        if caps.tokens is not None:
            reserve = more * self._dearest.tokens
            if self.tokens >= caps.tokens or self.tokens + reserve > caps.tokens:
                return (
                    f"its cap of {caps.tokens:,.0f} tokens would be passed: "
                    f"{self.tokens:,.0f} spent, and the dearest run so far took "
                    f"{self._dearest.tokens:,.0f}"
                )
        return None
