"""Progress towards a decision: the part of the way that is gone, and what may be left of it."""

from __future__ import annotations

from collections.abc import Sequence

from meta_experiment.decide.rules import rule_of
from meta_experiment.decide.shares import shares_of
from meta_experiment.records import dataclass
from meta_experiment.stats.figures import chosen
from meta_experiment.types import (
    Analysis,
    Comparison,
    Decision,
    Obstacle,
    Plan,
    ReasonCode,
)

FORECAST = (ReasonCode.EVIDENCE_INSUFFICIENT, ReasonCode.RARE_VALUES_UNCERTAIN)
"""What more units like those so far may mend, so that their number can be told."""

_UNITS = (
    ReasonCode.NO_DATA,
    ReasonCode.INSUFFICIENT_SAMPLES,
    ReasonCode.WAITING_FOR_TRIALS,
)

_ALMOST = 0.99  # of what lacks neither units nor evidence, and is held by something else
_SHORTEST = 0.5  # days; a rate from less than half a day says little


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of an experiment: `fraction`, of units and evidence, is 1 only once decided.

    `units_to_go` (per arm) and `days_to_go` are a forecast from what is seen so far, the days
    at the rate so far; None where none can be told, or it does not look as if more units would
    be evidence enough. `in_time` tells whether the plan lasts so long, None where that is not
    known, `never` that no number of units would do. `held_by` is what holds a promotion back
    beside units and evidence.
    """

    fraction: float
    units_to_go: int | None
    days_to_go: float | None
    in_time: bool | None = None
    never: bool = False
    held_by: tuple[Obstacle, ...] = ()


def progress(plan: Plan, analysis: Analysis) -> Progress:
    """Say how far an experiment is on its way to a decision.

    The lesser of two parts: the units of those that the plan needs, and the evidence (on the
    logarithmic scale on which it grows with every unit) of that which decides, for the better
    or for the worse.
    """
    if analysis.decision is not Decision.EXTEND:
        return Progress(1.0, 0, 0.0)
    plan = plan.as_compared
    ready = analysis.readiness
    units = min(1.0, ready.smallest_arm / ready.needed_per_arm)
    rule = rule_of(plan)
    evidence = rule.reached(plan, analysis, shares_of(plan, rule).look)
    fraction = min(_ALMOST, units, 1.0 if evidence is None else evidence)
    projected = rule.projection(plan, analysis) if _lacks_evidence(analysis) else None
    more = _units_to_go(analysis, projected)
    known = more is not None and ready.smallest_arm and ready.days_running >= _SHORTEST
    days = (more or 0) * ready.days_running / ready.smallest_arm if known else None
    return Progress(
        fraction=fraction,
        units_to_go=more,
        days_to_go=days,
        in_time=_in_time(plan, analysis, more, days),
        never=projected is not None and all(units is None for units in projected),
        held_by=_held_by(plan, analysis, projects=projected is not None),
    )


def leading(analysis: Analysis) -> Comparison | None:
    """Return the comparison of the winner, else of what looks best among the arms that go on.

    Of all arms where none goes on; None where none has a relative effect.
    """
    seen = [item for item in analysis.primary.comparisons if item.estimate.relative is not None]
    going = [item for item in analysis.going_on if item.estimate.relative is not None] or seen
    won = [item for item in seen if item.treatment == analysis.winner]
    return max(won or going, key=lambda item: item.estimate.relative or 0.0, default=None)


def best_estimate(analysis: Analysis) -> float:
    """Return the relative effect of what leads; minus infinity where nothing does."""
    best = leading(analysis)
    seen = None if best is None else best.estimate.relative
    return float("-inf") if seen is None else seen


def _units_to_go(analysis: Analysis, projected: Sequence[int | None] | None) -> int | None:
    ready = analysis.readiness
    if ready.smallest_arm < ready.needed_per_arm:
        return ready.needed_per_arm - ready.smallest_arm
    needed = [units for units in projected or () if units is not None]
    if not needed:
        return None
    return max(1, min(needed) - ready.smallest_arm)


def _lacks_evidence(analysis: Analysis) -> bool:
    return any(item.reason_code in FORECAST for item in analysis.obstacles)


def _held_by(plan: Plan, analysis: Analysis, *, projects: bool) -> tuple[Obstacle, ...]:
    """Return what more units do not mend by themselves, what is told first first.

    Where a forecast `projects` what is seen, an estimate below the threshold is told as well.
    """
    held = [it for it in analysis.obstacles if it.reason_code not in (*FORECAST, *_UNITS)]
    if projects and best_estimate(analysis) < plan.improvement_threshold:
        told = (
            f"As it looks now, it stays below the {chosen(plan.improvement_threshold)} that "
            "the plan asks for."
        )
        held.insert(0, Obstacle(ReasonCode.BELOW_THRESHOLD_SO_FAR, told))
    return tuple(held)


def _in_time(
    plan: Plan, analysis: Analysis, more: int | None, days: float | None
) -> bool | None:
    """Say whether so many more units come before the plan ends."""
    ready = analysis.readiness
    if more is None:
        return None
    if plan.max_sample is not None and ready.smallest_arm + more > plan.max_sample:
        return False
    if days is None or ready.days_left is None:
        return None
    return days <= ready.days_left
