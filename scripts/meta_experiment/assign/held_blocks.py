"""Blocks of a holdout: in each the share that keeps the text before is exact, at random places.

What is known grows with the units of the smaller arm, which is small here: drawn one by one its
number varies, and an answer takes a tenth more uses.
"""

from __future__ import annotations

from functools import lru_cache

from meta_experiment.assign.uniform import shuffled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

HELD = "held"
"""The method of `arms.arm_index` by which they are drawn."""

_LARGEST = 20


def block_of(share: float) -> int:
    """Return the fewest units in which a share is exact; 0 where that takes too many."""
    for size in range(2, _LARGEST + 1):
        if abs(size * share - round(size * share)) < 1e-9:
            return size
    return 0


def held_parts(share: float, size: int) -> list[float]:
    """Return of a block the units that get the promoted text, and those that keep the other."""
    kept = round(size * share)
    return [float(size - kept), float(kept)]


def held_arm(parts: Sequence[float], seed: object, position: int) -> int:
    """Return the arm at a position; of every block each arm has its part."""
    turn, place = divmod(position, int(sum(parts)))
    return _block(tuple(parts), seed, turn)[place]


@lru_cache(maxsize=8)  # drawing ahead asks for every place of a block
def _block(parts: tuple[float, ...], seed: object, turn: int) -> tuple[int, ...]:
    arms = [arm for arm, units in enumerate(parts) for _ in range(int(units))]
    return tuple(shuffled(arms, seed, "held", turn))
