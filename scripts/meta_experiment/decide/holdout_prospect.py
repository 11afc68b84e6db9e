"""Prospect of a holdout: how many uses its answers take, told before it is launched.

The units of the promoted experiment are drawn again and again, as if they came in the shares of
the holdout, and the holdout's own evidence is asked on the way. So it serves every metric, and
knows the spread that there is.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import median

from meta_experiment.decide.holdout import PREVIOUS, PROMOTED, standing_of
from meta_experiment.decide.opening import opens_at
from meta_experiment.decide.rules import rule_of
from meta_experiment.decide.samples import sample_of
from meta_experiment.decide.units import Arm
from meta_experiment.types import Holdout, HoldoutStanding, Plan
from meta_experiment.types.results.holdout import HoldoutProspect

MOST_USES = 3000
Chance = Callable[..., float]
"""A number from 0 to 1 that follows from what it is asked with, as `assign.uniform` gives."""

SHARES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
"""Shares that are offered in the place of one that shows nothing in time."""

_COURSES = 7
_STEP = 1.2  # from one look to the next


def prospect(
    plan: Plan, share: float, before: Arm, promoted: Arm, chance: Chance
) -> HoldoutProspect:
    """Say how many uses each answer takes; both arms are of the promoted experiment.

    `plan` is that of the holdout, as its arms are compared.
    """
    old, new = _measured(plan, before), _measured(plan, promoted)
    return HoldoutProspect(
        still_better=_uses(plan, share, chance, old, new, lambda found: found.still_better),
        reversed=_uses(plan, share, chance, new, old, lambda found: found.reversed),
        decayed=_uses(plan, share, chance, old, old, lambda found: found.decayed),
    )


def uses_to_show(
    plan: Plan, share: float, before: Arm, promoted: Arm, chance: Chance
) -> int | None:
    """Return the uses that show the promoted text to be still better, if it is."""
    old, new = _measured(plan, before), _measured(plan, promoted)
    return _uses(plan, share, chance, old, new, lambda found: found.still_better)


def _measured(plan: Plan, arm: Arm) -> Arm:
    """Return the units of an arm that have a value: the others decide nothing."""
    known = set(sample_of(arm, plan.primary).units)
    return replace(arm, units=tuple(unit for unit in arm.units if unit.unit in known))


def _uses(
    plan: Plan,
    share: float,
    chance: Chance,
    before: Arm,
    after: Arm,
    answer: Callable[[HoldoutStanding], float],
) -> int | None:
    if plan.holdout is None or not (before.units and after.units):
        return None
    taken = [
        _course(plan, plan.holdout, share, chance, before, after, answer, turn)
        for turn in range(_COURSES)
    ]
    middle = median(taken)
    return None if middle > MOST_USES else round(middle)


def _course(
    plan: Plan,
    holdout: Holdout,
    share: float,
    chance: Chance,
    before: Arm,
    after: Arm,
    answer: Callable[[HoldoutStanding], float],
    turn: int,
) -> float:
    """Return after how many uses of one course an answer is there; beyond the most, never."""
    rule, bar = rule_of(plan), 1.0 / plan.alpha
    uses = opens_at(plan) / min(share, 1.0 - share)
    every = round(1.0 / share)  # of the units one keeps the text before
    kept = [
        chance(turn, "kept", n // every) * every // 1 == n % every for n in range(MOST_USES)
    ]
    old = [n for n, keeps in enumerate(kept) if keeps]
    new = [n for n, keeps in enumerate(kept) if not keeps]
    previous = _drawn(before, PREVIOUS, old, turn, chance)
    promoted = _drawn(after, PROMOTED, new, turn, chance)
    while uses <= MOST_USES:
        arms = (
            sample_of(_first(arm, bisect_left(places, uses)), plan.primary)
            for arm, places in ((previous, old), (promoted, new))
        )
        if answer(standing_of(plan, holdout, rule, *arms)) >= bar:
            return uses
        uses *= _STEP
    return 2.0 * MOST_USES


def _drawn(arm: Arm, name: str, places: Sequence[int], turn: int, chance: Chance) -> Arm:
    """Return an arm of units at these places, each drawn from those of another."""
    chosen = (int(chance(turn, name, n) * len(arm.units)) for n in places)
    drawn = (
        replace(arm.units[one], unit=f"{name}{n}", order=n)
        for n, one in zip(places, chosen, strict=True)
    )
    return Arm(name, tuple(drawn), {})


def _first(arm: Arm, units: int) -> Arm:
    return replace(arm, units=arm.units[:units])
