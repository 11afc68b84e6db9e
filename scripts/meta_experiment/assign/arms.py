"""The index of the arm a unit gets, by the method its plan names.

Loads nothing but text and numbers, as it lies on the way of a prompt.
"""

from __future__ import annotations

from meta_experiment.assign.uniform import uniform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def arm_index(
    method: str, weights: Sequence[float], seed: str, unit: str, position: int
) -> int:
    """Return the arm of a new unit; `position` counts the units assigned so far.

    A hash depends on the unit alone, every other method on the position alone. Blocks need
    equal weights: with unequal ones every draw is weighted, but for those of a holdout, whose
    weights are the parts of a block. Those of a bandit are in force once its first turns are
    over (see `moving_arm`), those of a ramp from the first unit on.
    """
    if method == "hash":
        return hashed_arm(weights, seed, unit)
    if method == "held":
        from meta_experiment.assign.held_blocks import held_arm

        return held_arm(weights, seed, position)
    if method in ("weighted", "bandit", "ramp") or len(set(weights)) > 1:
        return weighted_arm(weights, uniform(seed, "draw", position))
    # a hash, weights, and a draw made ahead, never come here
    from meta_experiment.assign.permuted_blocks import block_arm, least_used_arm

    draw = least_used_arm if method == "least_used" else block_arm
    return draw(len(weights), seed, position)


def moving_arm(weights: Sequence[float], seed: str, position: int, burn_in: int) -> int:
    """Return the arm that moving shares draw: so many units of each in turns, then by them."""
    if position < burn_in * len(weights):
        return arm_index("least_used", [1.0] * len(weights), seed, "", position)
    return arm_index("weighted", weights, seed, "", position)


def hashed_arm(weights: Sequence[float], seed: str, unit: str) -> int:
    """Return the arm that depends on the unit alone, so that two processes agree on it."""
    return weighted_arm(weights, uniform(seed, "unit", unit))


def takes_part(traffic: float, seed: str, unit: str) -> bool:
    """Say whether a unit belongs to the share of traffic that is under experiment."""
    if traffic >= 1:
        return True
    return uniform(seed, "traffic", unit) < traffic


def weighted_arm(weights: Sequence[float], fraction: float) -> int:
    """Return the arm at a fraction in [0, 1) of the total weight; the first if all are zero."""
    remaining = fraction * sum(weights)
    for arm, weight in enumerate(weights):
        remaining -= weight
        if remaining < 0:
            return arm
    return 0
