"""A ramp in the form of agentic workflows (gh-aw): `continual: {seed: TEXT, ramp: [5, 25]}`.

It is read in plan files and written in none: the ramp becomes that of the assignment, and the
text of its seed a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meta_experiment.assign.uniform import sha256
from meta_experiment.errors import UsageError
from meta_experiment.model import fields

KEY = "continual"
_LONGEST_SEED = 128  # characters
_MOST_STEPS = 8
_SEED_BYTES = 7  # a seed is a whole number below 2^63


def without_continual(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return a plan with a ramp in that form put where ours has it.

    Raises:
        UsageError: it is not of that form, or there is another ramp beside it.
    """
    rest = {name: value for name, value in plan.items() if name != KEY}
    if plan.get(KEY) is None:
        return rest
    section = fields.mapping(plan[KEY], KEY)
    fields.known_keys(section, ("seed", "ramp"), KEY)
    seed = fields.text(section, "seed", KEY)
    ramp = fields.sequence(section.get("ramp"), f"{KEY}.ramp")
    whole = all(type(step) is int and 1 <= step <= 100 for step in ramp)
    if len(seed) > _LONGEST_SEED or not (whole and 1 <= len(ramp) <= _MOST_STEPS):
        raise UsageError(
            f"{KEY}: expected a seed of at most {_LONGEST_SEED} characters and a ramp of 1 to "
            f"{_MOST_STEPS} whole numbers from 1 to 100.",
            hint="For example: continual: {seed: review-1, ramp: [5, 25, 50, 100]}",
        )
    assignment = dict(fields.mapping(rest.get("assignment") or {}, "assignment"))
    if assignment.get("ramp") is not None or rest.get("seed") is not None:
        raise UsageError(
            f"{KEY}: ramp and seed stand there and outside of it as well; expected one of both."
        )
    assignment["ramp"] = list(ramp)
    number = int.from_bytes(sha256(seed.encode()).digest()[:_SEED_BYTES], "big")
    return {**rest, "assignment": assignment, "seed": number}
