"""Permuted blocks: arms balanced often, the next arm not predictable.

A round of five units per arm is cut into a block of two per arm and one of three per arm, in
random order, each block shuffled. Two arms are thus exactly balanced at every tenth unit, and
never more than three apart, while the changing block size hides where a block ends.
"""

from __future__ import annotations

from functools import lru_cache

from meta_experiment.assign.uniform import shuffled, uniform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_UNITS_PER_ARM = 5
_SHORT, _LONG = 2, 3


def whole_round(arms: int) -> int:
    """Return after how many units all arms are equal again."""
    return _UNITS_PER_ARM * arms


def block_arm(arms: int, seed: object, position: int) -> int:
    """Return the index of the arm at a position (0, 1, …) of the sequence of this seed."""
    turn, place = divmod(position, whole_round(arms))
    return _round(arms, seed, turn)[place]


def first_arms(arms: int, seed: object, positions: int) -> list[int]:
    """Return what `block_arm` draws at the first positions."""
    turns = range(-(-positions // whole_round(arms)))
    return [arm for turn in turns for arm in _round(arms, seed, turn)][:positions]


def least_used_arm(arms: int, seed: object, position: int) -> int:
    """Return the arm used least so far, ties drawn at random.

    Counts are equal after every full turn of all arms, so drawing among the least used is a
    shuffled block of one unit per arm. The last arm of a turn can be predicted.
    """
    turn, place = divmod(position, arms)
    return shuffled(list(range(arms)), seed, "turn", turn)[place]


def least_used_of(counts: Sequence[int], seed: object, ahead: int = 0) -> int:
    """Return the arm used least, after so many further draws; ties as `least_used_arm`.

    Counts that no draw made need not be equal after a turn: the arms behind catch up first.
    """
    used = list(counts)
    while True:
        fewest = min(used)
        order = shuffled(list(range(len(used))), seed, "turn", fewest)
        arm = next(arm for arm in order if used[arm] == fewest)
        if ahead <= 0:
            return arm
        used[arm] += 1
        ahead -= 1


@lru_cache(maxsize=8)  # whoever draws one by one asks for every place of a round
def _round(arms: int, seed: object, turn: int) -> tuple[int, ...]:
    lengths = (_SHORT, _LONG) if uniform(seed, "lengths", turn) < 0.5 else (_LONG, _SHORT)
    return tuple(
        arm
        for block, length in enumerate(lengths)
        for arm in shuffled(list(range(arms)) * length, seed, "block", turn, block)
    )
