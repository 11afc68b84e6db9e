"""Slots of a layer: experiments that hold different ones never meet in one unit.

A unit's slot follows from the layer and the unit alone, so that every experiment of a layer
sees the same one (overlapping layers of experiments: Tang and others 2010, KDD). Loads nothing
but numbers, as it lies on the way of a prompt.
"""

from __future__ import annotations

from meta_experiment.assign.uniform import uniform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

SLOTS = 1_000  # a tenth of a per cent each


def slot_of(layer_seed: str, unit: str) -> int:
    """Return the slot of a unit in a layer."""
    return int(uniform(layer_seed, "slot", unit) * SLOTS)


def first_free(taken: Iterable[tuple[int, int]], count: int) -> int | None:
    """Return where so many slots in a row are free; None where they are not.

    `taken` are half-open ranges of slots.
    """
    at = 0
    for first, end in sorted(taken):
        if first - at >= count:
            return at
        at = max(at, end)
    return at if SLOTS - at >= count else None
