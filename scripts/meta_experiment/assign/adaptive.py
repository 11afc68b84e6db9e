"""Shares of a bandit: how likely each arm is drawn next, from its chance to be the best.

A share is never below the floor, so that every arm goes on being tried and a unit's chance is
known to evidence that rests on the draw. Thompson (1933, Biometrika 25) draws an arm as often
as it is the best; top-two Thompson sampling (Russo 2020, Operations Research 68(6)) draws the
second best as well, and finds the best sooner. Shares in force are whole parts of 10,000: they
stand in the log as they were drawn by, and sum exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

PARTS = 10_000
_FIRST = 0.5  # of top-two draws, to the one that is best by itself
_FLOORS = ((2, 0.10), (4, 0.05))  # up to so many arms
_LEAST_FLOOR = 0.02
_HALF = 0.5  # at most so much is bound by floors that nobody chose


def default_floor(arms: int) -> float:
    """Return the least share of each of so many arms, where a plan names none."""
    named = next((floor for most, floor in _FLOORS if arms <= most), _LEAST_FLOOR)
    return min(named, _HALF / arms)


def thompson(p_best: Sequence[float], floor: float = 0.0) -> list[float]:
    """Return each arm's share, its chance of being the best lifted above the floor."""
    return _floored(p_best, floor)


def top_two(
    p_best: Sequence[float], floor: float = 0.0, *, first: float = _FIRST
) -> list[float]:
    """Return the shares of top-two draws, of which `first` go to the best arm.

    The others are draws repeated until they are of another arm. One arm that is certainly the
    best leaves the second place to all others alike. Of two arms each gets its half, whatever
    the data.
    """
    rests = _sums_of_others(p_best)
    if 0.0 in rests:
        second = (1.0 - first) / max(1, len(rests) - 1)
        return _floored([second if rest else first for rest in rests], floor)
    odds = [chance / rest for chance, rest in zip(p_best, rests, strict=True)]
    return _floored(
        [
            chance * (first + (1.0 - first) * others)
            for chance, others in zip(p_best, _sums_of_others(odds), strict=True)
        ],
        floor,
    )


def _sums_of_others(values: Sequence[float]) -> list[float]:
    """Return by place the sum of all others, in which nothing cancels."""
    return [
        math.fsum(value for place, value in enumerate(values) if place != own)
        for own in range(len(values))
    ]


def _floored(shares: Sequence[float], floor: float) -> list[float]:
    total = sum(shares)
    free = 1.0 - len(shares) * floor
    return [floor + free * share / total for share in shares]


def parts_in_force(
    p_best: Sequence[float | None], floor: float, *, finds_best: bool
) -> list[int]:
    """Return the parts of 10,000 with which each arm is drawn next.

    Args:
        p_best: by arm the chance to be the best among those that can be scored; None where an
            arm cannot be (fewer than two values, or no spread): it is drawn by force, with an
            equal share of all.
        floor: the least share of each arm.
        finds_best: whether the aim is to find the best arm, or else few bad uses; of two arms
            that is the same.
    """
    arms = len(p_best)
    scored = [chance for chance in p_best if chance is not None]
    left = len(scored) / arms
    if not scored:
        return whole_parts([1.0] * arms)
    draw = top_two if finds_best and len(scored) > 2 else thompson
    shares = iter(draw(scored, floor / left))
    return whole_parts([1.0 / arms if it is None else left * next(shares) for it in p_best])


def whole_parts(shares: Sequence[float]) -> list[int]:
    """Return shares as parts that sum to 10,000: the largest remainders are rounded up."""
    total = sum(shares)
    exact = [PARTS * share / total for share in shares]
    parts = [int(part) for part in exact]
    rest = sorted(range(len(parts)), key=lambda arm: (parts[arm] - exact[arm], arm))
    for arm in rest[: PARTS - sum(parts)]:
        parts[arm] += 1
    return parts


def with_ended(parts: Sequence[int], going: Sequence[bool]) -> list[int]:
    """Return the parts of those arms that go on, put in the places of all arms; else 0."""
    left = iter(parts)
    return [next(left) if on else 0 for on in going]
