"""The draw for one unit, as its plan asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from meta_experiment.assign import arms, layers, permuted_blocks
from meta_experiment.assign.held_blocks import HELD, held_parts
from meta_experiment.types import Assignment, Plan


def arm_for(plan: Plan, seed: str, unit: str, position: int) -> str:
    """Return the name of the variant for a new unit; see `arms.arm_index`.

    `seed` is that of plan and checkout together.
    """
    method, weights = drawn_by(plan)
    if plan.moves_shares:
        return moving_arm(plan, weights, seed, position)
    return plan.variants[arms.arm_index(method, weights, seed, unit, position)].name


def arms_ahead(plan: Plan, seed: str, positions: int) -> list[int]:
    """Return what `arm_for` draws at the first positions, by the places of the variants."""
    method, weights = drawn_by(plan)
    if plan.moves_shares:
        burn_in = _burn_in(plan)
        return [arms.moving_arm(weights, seed, at, burn_in) for at in range(positions)]
    if method == Assignment.BLOCK.value and len(set(weights)) == 1:
        return permuted_blocks.first_arms(len(weights), seed, positions)
    return [arms.arm_index(method, weights, seed, "", at) for at in range(positions)]


def drawn_by(plan: Plan) -> tuple[str, list[float]]:
    """Return method and weights of a plan's draws, as `arms.arm_index` is asked with them."""
    weights = [variant.weight for variant in plan.variants]
    if plan.holdout is None or not plan.holdout.block:
        return plan.assignment.value, weights
    parts = held_parts(weights[1] / sum(weights), plan.holdout.block)
    return (HELD if plan.assignment is Assignment.BLOCK else plan.assignment.value), parts


def moving_arm(plan: Plan, parts: Sequence[float], seed: str, position: int) -> str:
    """Return the variant that the parts in force draw; see `arms.moving_arm`."""
    return plan.variants[arms.moving_arm(parts, seed, position, _burn_in(plan))].name


def _burn_in(plan: Plan) -> int:
    return plan.bandit.burn_in if plan.bandit else 0


def counts_units(plan: Plan) -> bool:
    """Say whether a draw depends on how many units every arm has; see `least_used`."""
    weights = {variant.weight for variant in plan.variants}
    return plan.assignment is Assignment.LEAST_USED and len(weights) == 1


def least_used(plan: Plan, seed: str, units: Mapping[str, int], ahead: int) -> str:
    """Return the variant with the fewest units, after so many further draws."""
    counts = [units.get(variant.name, 0) for variant in plan.variants]
    return plan.variants[permuted_blocks.least_used_of(counts, seed, ahead)].name


def takes_part(plan: Plan, seed: str, unit: str, now: float, layer_seed: str = "") -> bool:
    """Say whether a unit belongs to the share and the time that are under experiment.

    `layer_seed` is that of the layer that the plan is in.
    """
    if plan.start_date is not None and now < plan.start_date:
        return False
    if plan.end_date is not None and now >= plan.end_date:
        return False
    if plan.layer is not None:
        first, end = plan.layer.slots
        if not first <= layers.slot_of(layer_seed, unit) < end:
            return False
    return arms.takes_part(plan.traffic, seed, unit)
