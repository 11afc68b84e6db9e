"""Blocks of a holdout: in each the share that keeps the text before is exact, at random places.

What is known grows with the units of the smaller arm, which is small here: drawn one by one its
number varies, and an answer takes a tenth more uses.
"""

from __future__ import annotations

from meta_experiment.assign.uniform import shuffled

_LARGEST = 20


def block_of(share: float) -> int:
    """Return the fewest units in which a share is exact; 0 where that takes too many."""
    for size in range(2, _LARGEST + 1):
        if abs(size * share - round(size * share)) < 1e-9:
            return size
    return 0


def held_arm(share: float, size: int, seed: object, position: int) -> int:
    """Return the arm at a position: 1 keeps the text before, 0 gets the promoted one."""
    turn, place = divmod(position, size)
    kept = round(size * share)
    return shuffled([0] * (size - kept) + [1] * kept, seed, "held", turn)[place]
