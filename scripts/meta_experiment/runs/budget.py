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


class _Sum:
    """What runs took of one kind, and what is not known of it."""

    __slots__ = ("cut", "dearest", "total", "unknown")

    def __init__(self) -> None:
        self.total = self.dearest = 0.0
        self.unknown = 0  # runs that ended and do not tell
        self.cut = 0  # runs cut off before they could tell

    def add(self, amount: float | None, *, cut: bool) -> None:
        """Add what one attempt took; None is not known."""
        self.total += amount or 0.0
        self.dearest = max(self.dearest, amount or 0.0)
        if amount is None and cut:
            self.cut += 1
        elif amount is None:
            self.unknown += 1

    def may_pass(self, cap: float, under_way: int) -> bool:
        """Tell whether one more run, with what may still come, could take it beyond a cap."""
        reserve = (under_way + 1 + self.cut) * self.dearest
        return self.total >= cap or self.total + reserve > cap


class Budget:
    """What was spent so far, failed attempts included, held against the caps.

    A cap is asked before each start. What a run costs is known when it has ended, so that the
    first one goes alone, and for each one under way, or cut off, as much is held back as the
    dearest took.
    """

    def __init__(self, caps: Caps) -> None:
        """Begin with nothing spent."""
        self.caps = caps
        self._usd, self._tokens = _Sum(), _Sum()
        self._known = False  # what a run takes

    @property
    def usd(self) -> float:
        """US dollars spent, as far as is known."""
        return self._usd.total

    @property
    def tokens(self) -> float:
        """Tokens spent, as far as is known."""
        return self._tokens.total

    @property
    def unpriced(self) -> int:
        """Runs that ended, and whose price is not known."""
        return self._usd.unknown

    def spend(self, spent: Spent) -> None:
        """Add what one attempt took."""
        self._known = self._known or not spent.cut
        self._usd.add(spent.usd, cut=spent.cut)
        self._tokens.add(spent.tokens, cut=spent.cut)

    def refusal(self, under_way: int, seconds: float) -> str | None:
        """Say why no further run may start, with so many under way after so many seconds."""
        caps = self.caps
        if caps.seconds is not None and seconds >= caps.seconds:
            return f"its {caps.seconds / 60:g} minutes are over"
        if under_way and not self._known and (caps.usd is not None or caps.tokens is not None):
            return "what a run takes is known when the first has ended"
        return self._refusal_in_usd(under_way) or self._refusal_in_tokens(under_way)

    def _refusal_in_usd(self, under_way: int) -> str | None:
        cap, found = self.caps.usd, self._usd
        if cap is None:
            return None
        if unknown := self._unknown(found):
            return (
                f"the price of {unknown} of its runs is not known, so that a cap in USD cannot "
                f"hold; give one in {'minutes' if self._tokens.unknown else 'tokens'}"
            )
        if not found.may_pass(cap, under_way):
            return None
        return (
            f"its cap of ${cap:g} would be passed: ${found.total:.4g} spent, and the dearest "
            f"run so far took ${found.dearest:.4g}"
        )

    def _refusal_in_tokens(self, under_way: int) -> str | None:
        cap, found = self.caps.tokens, self._tokens
        if cap is None:
            return None
        if unknown := self._unknown(found):
            return (
                f"the tokens of {unknown} of its runs are not known, so that a cap in tokens "
                f"cannot hold; give one in {'minutes' if self._usd.unknown else 'USD'}"
            )
        if not found.may_pass(cap, under_way):
            return None
        return (
            f"its cap of {cap:,.0f} tokens would be passed: {found.total:,.0f} spent, and the "
            f"dearest run so far took {found.dearest:,.0f}"
        )

    def _unknown(self, found: _Sum) -> int:
        """Return how many do not tell; those cut off where too many were and none ended."""
        in_vain = not self._known and found.cut >= _MOST_CUT
        return found.unknown or (found.cut if in_vain else 0)
