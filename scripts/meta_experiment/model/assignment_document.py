"""How units are drawn, as a document: the method, and what bandits and ramps have beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from meta_experiment.assign.adaptive import default_floor
from meta_experiment.errors import UsageError
from meta_experiment.model import fields
from meta_experiment.model.fields import Document
from meta_experiment.model.per_cents import fraction, per_cent
from meta_experiment.types import Aim, Assignment, Bandit, Plan, Ramp

ASSIGNMENT_KEYS = {
    "method", "traffic", "aim", "floor", "burn_in", "ramp", "step_days", "step_units",
}  # fmt: skip
_OF_A_BANDIT = ("aim", "floor", "burn_in")
_OF_A_RAMP = ("ramp", "step_days", "step_units")
_MOST_STEPS = 8


def assignment_to_document(plan: Plan) -> dict[str, Any]:
    """Write how a plan draws its units."""
    return {
        "method": plan.assignment.value,
        "traffic": per_cent(plan.traffic),
        **_bandit_to_document(plan.bandit),
        **_ramp_to_document(plan.ramp),
    }


def method_of(assignment: Document) -> Assignment:
    """Return how units are drawn: by a ramp where one is named, else in blocks."""
    usual = Assignment.BLOCK if assignment.get("ramp") is None else Assignment.RAMP
    return fields.word(assignment, "method", "assignment", Assignment, usual)


def _is_drawn_by(assignment: Document, method: Assignment, own: Sequence[str]) -> bool:
    """Tell whether units are drawn by a method; where not, what is of it alone is refused."""
    drawn = method_of(assignment)
    named = [key for key in own if assignment.get(key) is not None]
    if drawn is not method and named:
        raise UsageError(
            f"assignment.{named[0]}: it is of a {method.value}, and units are assigned by "
            f"{drawn.value}.",
            hint="Say so: --assignment bandit"
            if method is Assignment.BANDIT
            else "Name its steps and no other --assignment: --ramp 5,25,50",
        )
    return drawn is method


def ramp_from(assignment: Document) -> Ramp | None:
    """Read the steps of a ramp, in per cent; None where units are drawn in another way."""
    if not _is_drawn_by(assignment, Assignment.RAMP, _OF_A_RAMP):
        return None
    steps = fields.sequence(assignment.get("ramp"), "assignment.ramp")
    where = "assignment.ramp"
    shares = [
        fields.number({str(at): step}, str(at), where, low=0.1, high=100)
        for at, step in enumerate(steps, 1)
    ]
    if not 1 <= len(shares) <= _MOST_STEPS or shares != sorted(set(shares)):
        found = ", ".join(f"{share:g}" for share in shares) or "none"
        raise UsageError(
            f"assignment.ramp: expected 1 to {_MOST_STEPS} shares of the treatments that rise, "
            f"in per cent; found {found}.",
            hint="For example: --ramp 5,25,50",
        )
    return Ramp(
        tuple(share / 100 for share in shares),
        fields.number(assignment, "step_days", "assignment", 1.0, low=0, high=365),
        fields.whole(assignment, "step_units", "assignment", 5, low=2, high=10**6),
    )


def _ramp_to_document(ramp: Ramp | None) -> dict[str, Any]:
    if ramp is None:
        return {}
    steps = [per_cent(step) for step in ramp.steps]
    return {"ramp": steps, "step_days": ramp.days, "step_units": ramp.units}


def bandit_from(assignment: Document, arms: int) -> Bandit | None:
    """Read how the shares of a bandit move; None where units are drawn in another way."""
    if not _is_drawn_by(assignment, Assignment.BANDIT, _OF_A_BANDIT):
        return None
    aim = fields.optional_word(assignment, "aim", "assignment", Aim)
    if aim is None:
        raise UsageError(
            "assignment.aim: a bandit without an aim; expected few_bad_uses (as few uses of a "
            "worse arm as can be) or find_best (know the best arm soon).",
            hint="For example: --assignment bandit --aim few_bad_uses",
        )
    return Bandit(
        aim,
        fraction(assignment, "floor", "assignment", per_cent(default_floor(arms)), high=100),
        fields.whole(assignment, "burn_in", "assignment", 5, low=2, high=1000),
    )


def _bandit_to_document(bandit: Bandit | None) -> dict[str, Any]:
    if bandit is None:
        return {}
    floor = per_cent(bandit.floor)
    return {"aim": bandit.aim.value, "floor": floor, "burn_in": bandit.burn_in}
