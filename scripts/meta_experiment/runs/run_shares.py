"""Shares: the runs of a schedule parted among machines that do not hear of each other.

A case is always of the same share, with all its variants and repeats, so that what is compared
ran on one machine; cases that must not run at the same time are of one share. Which they are
follows from the schedule alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from meta_experiment.records import dataclass
from meta_experiment.runs.scope import bundles
from meta_experiment.types.cases import Case
from meta_experiment.types.runs import RunBlock


@dataclass(frozen=True, slots=True)
class Share:
    """The n-th share (`number` counts from 1) of so many."""

    number: int
    of: int

    def __str__(self) -> str:
        """Name it as a user does."""
        return f"{self.number}/{self.of}"


def shares_of(
    blocks: Sequence[RunBlock], cases: Mapping[str, Case], many: int
) -> tuple[frozenset[str], ...]:
    """Part cases into at most so many shares, none of them empty.

    What comes first in the schedule goes first to the share that has the fewest cases so far.
    """
    ids = list(dict.fromkeys(block.case_id for block in blocks))
    found: list[set[str]] = [set() for _ in range(many)]
    for bundle in bundles([cases[name] for name in ids]):
        min(found, key=len).update(bundle)
    return tuple(frozenset(one) for one in found if one)


def within(
    share: Share,
    blocks: Sequence[RunBlock],
    every: Sequence[RunBlock],
    cases: Mapping[str, Case],
) -> tuple[RunBlock, ...]:
    """Return those of some blocks that are of a share of the schedule, of `every` block."""
    shares = shares_of(every, cases, share.of)
    mine = shares[share.number - 1] if share.number <= len(shares) else frozenset()
    return tuple(block for block in blocks if block.case_id in mine)
