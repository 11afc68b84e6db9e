"""Generations: which runs were drawn among exactly the variants that are declared today.

A run counts for no other set of variants than the one that it was drawn from: in another set
its share was another, and what is known of it has decided already.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from meta_experiment.model.instants import day
from meta_experiment.records import dataclass
from meta_experiment.workflows.state.ledger import LedgerRun

_ROUNDING = 1e-9  # of shares
_UNKNOWN = -1  # the period before anything is known


@dataclass(frozen=True, slots=True)
class DrawTerms:
    """Terms of a draw, as declared from a time on: the days on which it is made, and of what.

    `since` is in seconds since the epoch, infinite of what is not committed; `first` and `last`
    are days of UTC, both included, such as 2026-01-31, and None where that end is open.
    `variants` are empty where they are not known, and so are `shares`, which sum to 1. Where
    the days are only those of another time, they are not `dated`.
    """

    since: float
    first: str | None = None
    last: str | None = None
    variants: tuple[str, ...] = ()
    dated: bool = True
    shares: tuple[float, ...] = ()

    @property
    def is_committed(self) -> bool:
        """Whether runs can have drawn by it."""
        return self.since < math.inf

    @property
    def drawn(self) -> frozenset[str]:
        """The variants that runs get: those with a share, all where shares are not known."""
        shares = self.shares or (1.0,) * len(self.variants)
        return frozenset(
            name for name, share in zip(self.variants, shares, strict=True) if share > 0
        )

    def hold(self, at: float) -> bool:
        """Say whether variants are drawn at a time, in seconds since the epoch."""
        today = day(at)
        return (self.first or today) <= today <= (self.last or today)


class CurrentGeneration:
    """The runs of an experiment that were drawn among the variants of today.

    The first variant is the control, so that another first one makes another generation;
    the order of the others does not matter. Other shares make another one as well: what changed
    in time meanwhile, as models do, would be taken for an effect of the variant that came late.
    """

    def __init__(
        self,
        variants: Sequence[str],
        dates: Iterable[DrawTerms],
        runs: Iterable[LedgerRun] = (),
        experiment: str = "",
    ) -> None:
        """Take what is known.

        Args:
            variants: those of today; with none of them every run belongs to it.
            dates: what was declared, from when on each; the last of them is what is today.
            runs: of the workflow: one that had a variant which is gone was drawn from an
                earlier generation, whenever the file was changed, and so were those before it.
            experiment: its name in them.
        """
        self._variants = tuple(variants)
        self._periods = sorted(
            (item for item in dates if item.variants), key=lambda item: item.since
        )
        self._drawn = self._drawn_today()
        self._since = [item.since for item in self._periods]
        self._same = [self._is_same(item) for item in self._periods]
        gone = {name for item in self._periods for name in item.variants}.difference(variants)
        drawn = [
            (run.at, run.assignments[experiment])
            for run in runs
            if variants and run.at is not None and experiment in run.assignments
        ]
        last: dict[int, float] = {}
        for at, variant in drawn:
            period = self._period(at)
            if variant not in variants and (period == _UNKNOWN or variant in gone):
                last[period] = max(at, last.get(period, at))
        self._begun = {period: self._first_behind(at, drawn) for period, at in last.items()}

    def _drawn_today(self) -> frozenset[str]:
        is_told = self._periods and set(self._periods[-1].variants) == set(self._variants)
        return self._periods[-1].drawn if is_told else frozenset(self._variants)

    def _first_behind(self, last: float, drawn: Sequence[tuple[float, str]]) -> float:
        """Return the first time that is surely behind the last run of another generation.

        Where a variant is new, nobody knows of runs before its first whence they were drawn.
        """
        new = self._drawn.difference(name for at, name in drawn if at <= last)
        behind = (at for at, name in drawn if at > last and (not new or name in new))
        return min(behind, default=math.inf)

    @property
    def is_first(self) -> bool:
        """Whether nothing tells of an earlier one."""
        return not self._begun and all(self._same)

    def holds(self, at: float | None) -> bool:
        """Say whether a run of that time was drawn from it, in seconds since the epoch.

        A run of no known time belongs to it where nothing tells of an earlier generation.
        """
        if not self._variants:
            return True
        if at is None:
            return self.is_first
        period = self._period(at)
        if period != _UNKNOWN and not self._same[period]:
            return False
        return at >= self._begun.get(period, -math.inf)

    def _period(self, at: float) -> int:
        return bisect_right(self._since, at) - 1

    def _is_same(self, item: DrawTerms) -> bool:
        same = item.variants[:1] == self._variants[:1]
        return same and self._is_among(item) and self._is_as_often(item)

    def _is_among(self, item: DrawTerms) -> bool:
        """Say whether runs got the variants of today; one without a share is none of them."""
        return set(item.variants) == set(self._variants) or item.drawn == self._drawn

    def _is_as_often(self, item: DrawTerms) -> bool:
        """Say whether each variant had the share of today, as far as shares are known."""
        today = self._periods[-1]
        if not item.shares or not today.shares:
            return True
        then = dict(zip(item.variants, item.shares, strict=True))
        return all(
            math.isclose(then.get(name, 0.0), share, abs_tol=_ROUNDING)
            for name, share in zip(today.variants, today.shares, strict=True)
        )


def all_before(
    drawn: Iterable[float | None], variants: Sequence[str], dates: Iterable[DrawTerms]
) -> bool:
    """Say whether all runs, by their times, were drawn before; without any none was."""
    generation, is_any = CurrentGeneration(variants, dates), False
    for at in drawn:
        if generation.holds(at):
            return False
        is_any = True
    return is_any
