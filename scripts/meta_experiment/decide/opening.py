"""Opening of a plan: from how many units per arm on it may be decided."""

from __future__ import annotations

from meta_experiment.decide.metrics import design_of
from meta_experiment.types import Plan


def opens_at(plan: Plan) -> int:
    """Return the plan's minimum, or what its primary metric takes to be told at any look."""
    return max(plan.sample_size, design_of(plan, plan.primary).fewest_units(plan.primary))
