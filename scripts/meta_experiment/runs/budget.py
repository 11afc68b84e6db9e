"""The budget of runs: what may be spent, what is, and what those under way may still take."""

from __future__ import annotations

from meta_experiment.records import dataclass
from meta_experiment.types.runs import Spent

_MOST_CUT = 3  # runs cut off before any told what it takes


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
        self.uncounted = 0  # runs that do not tell their tokens
        self._cut_usd = self._cut_tokens = 0  # runs cut off before they could tell
        self._known = False  # what a run takes
        self._dearest_usd = self._dearest_tokens = 0.0

    def spend(self, spent: Spent) -> None:
        """Add what one attempt took."""
        self._known = self._known or not spent.cut
        self.usd += spent.usd or 0.0
        self.tokens += spent.tokens or 0.0
        if spent.cut:
            self._cut_usd += spent.usd is None
            self._cut_tokens += spent.tokens is None
        else:
            self.unpriced += spent.usd is None
            self.uncounted += spent.tokens is None
        self._dearest_usd = max(self._dearest_usd, spent.usd or 0.0)
        self._dearest_tokens = max(self._dearest_tokens, spent.tokens or 0.0)

    def refusal(self, under_way: int, seconds: float) -> str | None:
        """Say why no further run may start, with so many under way after so many seconds."""
        caps = self.caps
        if caps.seconds is not None and seconds >= caps.seconds:
            return f"its {caps.seconds / 60:g} minutes are over"
        if under_way and not self._known and (caps.usd is not None or caps.tokens is not None):
            return "what a run takes is known when the first has ended"
        return self._refusal_in_usd(under_way) or self._refusal_in_tokens(under_way)

    def _refusal_in_usd(self, under_way: int) -> str | None:
        cap = self.caps.usd
        if cap is None:
            return None
        if unknown := self.unpriced or self._in_vain(self._cut_usd):
            return (
                f"the price of {unknown} of its runs is not known, so that a cap in USD cannot "
                f"hold; give one in {'minutes' if self.uncounted else 'tokens'}"
            )
        reserve = (under_way + 1 + self._cut_usd) * self._dearest_usd
        if self.usd < cap and self.usd + reserve <= cap:
            return None
        return (
            f"its cap of ${cap:g} would be passed: ${self.usd:.4g} spent, and the dearest run "
            f"so far took ${self._dearest_usd:.4g}"
        )

    def _refusal_in_tokens(self, under_way: int) -> str | None:
        cap = self.caps.tokens
        if cap is None:
            return None
        if unknown := self.uncounted or self._in_vain(self._cut_tokens):
            return (
                f"the tokens of {unknown} of its runs are not known, so that a cap in tokens "
                f"cannot hold; give one in {'minutes' if self.unpriced else 'USD'}"
            )
        reserve = (under_way + 1 + self._cut_tokens) * self._dearest_tokens
        if self.tokens < cap and self.tokens + reserve <= cap:
            return None
        return (
            f"its cap of {cap:,.0f} tokens would be passed: {self.tokens:,.0f} spent, and the "
            f"dearest run so far took {self._dearest_tokens:,.0f}"
        )

    def _in_vain(self, cut: int) -> int:
        """Return how many were cut off, where so many were and none came to its end."""
        return 0 if self._known or cut < _MOST_CUT else cut
