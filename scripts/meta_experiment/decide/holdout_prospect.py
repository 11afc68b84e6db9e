"""Prospect of a holdout: how many uses its answers take, told before it is launched.

The units of the promoted experiment are drawn again and again, as if they came in the shares of
the holdout, and the holdout's own evidence is asked on the way. So it serves every metric, and
knows the spread that there is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from statistics import median

from meta_experiment.decide.holdout import PREVIOUS, PROMOTED, log_better, log_worse
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.opening import opens_at
from meta_experiment.decide.rules import rule_of
from meta_experiment.decide.samples import sample_of
from meta_experiment.decide.units import Arm, UnitRecord
from meta_experiment.records import dataclass
from meta_experiment.types import Plan
from meta_experiment.types.results.holdout import HoldoutProspect

MOST_USES = 3000
Chance = Callable[..., float]
"""A number from 0 to 1 that follows from what it is asked with, as `assign.uniform` gives."""

Draws = Callable[[Plan, int, int], str]
"""The variant that a plan draws in one of several courses at a position."""

SHARES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
"""Shares that are offered in the place of one that shows nothing in time."""

_COURSES = 7
_STEP = 1.2  # from one look to the next

_Answer = Callable[[Sample, Sample], float]  # its log evidence, by both texts


@dataclass(frozen=True, slots=True)
class Prospects:
    """Tells of holdouts by the plan of each; both arms are of the promoted experiment."""

    before: Arm
    promoted: Arm
    draws: Draws
    chance: Chance

    def of(self, plan: Plan) -> HoldoutProspect:
        """Say how many uses each answer takes, in half of such holdouts."""
        holdout, compared, rule = plan.holdout, plan.as_compared, rule_of(plan)
        if holdout is None:
            return HoldoutProspect(None, None, None)
        bar = _bar(plan)

        def worse(at: float) -> _Answer:
            return lambda old, new: log_worse(compared, rule, old, new, at, least=bar)

        return HoldoutProspect(
            still_better=self.still_better(plan),
            reversed=self._uses(plan, self.promoted, self.before, worse(0.0)),
            decayed=self._uses(plan, self.before, self.before, worse(holdout.decayed_below)),
        )

    def still_better(self, plan: Plan) -> int | None:
        """Return the uses that show the promoted text to be still better, if it is."""
        compared, rule = plan.as_compared, rule_of(plan)
        return self._uses(
            plan,
            self.before,
            self.promoted,
            lambda old, new: log_better(compared, rule, old, new),
        )

    def _uses(self, plan: Plan, before: Arm, after: Arm, answer: _Answer) -> int | None:
        sources = {
            name: _measured(plan, arm) for name, arm in ((PREVIOUS, before), (PROMOTED, after))
        }
        if not all(sources.values()):
            return None
        taken = list[float]()
        for turn in range(_COURSES):
            taken.append(self._course(plan, sources, answer, turn))
            if taken.count(math.inf) > _COURSES // 2:
                return None
        return round(median(taken))

    def _course(
        self, plan: Plan, sources: dict[str, tuple[UnitRecord, ...]], answer: _Answer, turn: int
    ) -> float:
        """Return after how many uses of one course an answer is there."""
        bar, weights = _bar(plan), [variant.weight for variant in plan.variants]
        uses = opens_at(plan) * sum(weights) / min(weights)
        arms: dict[str, list[UnitRecord]] = {name: [] for name in sources}
        drawn = 0
        while uses <= MOST_USES:
            for place in range(drawn, math.ceil(uses)):
                name = self.draws(plan, turn, place)
                known = sources[name]
                unit = known[int(self.chance(turn, name, place) * len(known))]
                arms[name].append(replace(unit, unit=f"{name}{place}", order=place))
            drawn = math.ceil(uses)
            old, new = (
                sample_of(Arm(name, tuple(arms[name]), {}), plan.primary)
                for name in (PREVIOUS, PROMOTED)
            )
            if answer(old, new) >= bar:
                return uses
            uses *= _STEP
        return math.inf


def _bar(plan: Plan) -> float:
    return -math.log(plan.alpha)


def _measured(plan: Plan, arm: Arm) -> tuple[UnitRecord, ...]:
    """Return the units of an arm that have a value: the others decide nothing."""
    known = set(sample_of(arm, plan.primary).units)
    return tuple(unit for unit in arm.units if unit.unit in known)
