"""The draw for one unit, as its plan asks for it."""

from __future__ import annotations

from meta_experiment.assign import arms
from meta_experiment.types import Plan


def arm_for(plan: Plan, seed: str, unit: str, position: int) -> str:
    """Return the name of the variant for a new unit; see `arms.arm_index`.

    `seed` is that of plan and checkout together.
    """
    weights = [variant.weight for variant in plan.variants]
    arm = arms.arm_index(plan.assignment.value, weights, seed, unit, position)
    return plan.variants[arm].name


def takes_part(plan: Plan, seed: str, unit: str) -> bool:
    """Say whether a unit belongs to the share of traffic that is under experiment."""
    return arms.takes_part(plan.traffic, seed, unit)
