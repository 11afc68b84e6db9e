"""The budget of runs: what may be spent, what is, and what those under way may still take."""

from __future__ import annotations

from meta_experiment.records import dataclass
from meta_experiment.types.runs import Bill

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
    """What runs and their judge took of one kind, and what is not known of it."""

    __slots__ = ("cut", "dearest", "judge_unknown", "total", "unknown")

    def __init__(self) -> None:
        self.total = self.dearest = 0.0
        self.unknown = 0  # runs that ended and do not tell
        self.judge_unknown = 0  # runs whose judge does not tell
        self.cut = 0  # runs, or questions about them, cut off before they could tell

    def add(self, work: float | None, judging: float | None, bill: Bill) -> None:
        """Add what one attempt took, as its bill has it; None is not known."""
        taken = (work or 0.0) + (judging or 0.0)
        self.total += taken
        self.dearest = max(self.dearest, taken)
        if work is None:
            self.cut += bill.work.cut
            self.unknown += not bill.work.cut
        if judging is None:
            self.cut += bill.judging.cut
            self.judge_unknown += not bill.judging.cut

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

    @property
    def judge_unpriced(self) -> int:
        """Runs of which the price of their judge is not known."""
        return self._usd.judge_unknown

    def spend(self, bill: Bill) -> None:
        """Add what one attempt took."""
        self._known = self._known or not bill.whole.cut
        self._usd.add(bill.work.usd, bill.judging.usd, bill)
        self._tokens.add(bill.work.tokens, bill.judging.tokens, bill)

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
                f"the price of {unknown} is not known, so that a cap in USD cannot "
                f"hold; give one in {'minutes' if self._unknown(self._tokens) else 'tokens'}"
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
                f"the tokens of {unknown} are not known, so that a cap in tokens "
                f"cannot hold; give one in {'minutes' if self._unknown(self._usd) else 'USD'}"
            )
        if not found.may_pass(cap, under_way):
            return None
        return (
            f"its cap of {cap:,.0f} tokens would be passed: {found.total:,.0f} spent, and the "
            f"dearest run so far took {found.dearest:,.0f}"
        )

    def _unknown(self, found: _Sum) -> str:
        """Say who does not tell; those cut off where too many were and none ended."""
        in_vain = not self._known and found.cut >= _MOST_CUT
        if runs := found.unknown or (found.cut if in_vain else 0):
            return f"{runs} of its runs"
        return "its judge" if found.judge_unknown else ""
