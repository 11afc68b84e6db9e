"""Progress towards a decision: the part of the way that is gone, and what may be left of it."""

from __future__ import annotations

from meta_experiment.decide.rules import rule_of
from meta_experiment.decide.shares import shares_of
from meta_experiment.records import dataclass
from meta_experiment.types import Analysis, Comparison, Decision, Plan, ReasonCode

FORECAST = (ReasonCode.EVIDENCE_INSUFFICIENT, ReasonCode.RARE_VALUES_UNCERTAIN)
"""What more units like those so far may mend, so that their number can be told."""

_ALMOST = 0.99  # of what lacks neither units nor evidence, and is held by something else
_SHORTEST = 0.5  # days; a rate from less than half a day says little


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of an experiment: `fraction` is 1 only once it is decided.

    `units_to_go` (per arm) and `days_to_go` are a forecast from what is seen so far, the days
    at the rate so far; None where none can be told, or it does not look as if more units would
    decide.
    """

    fraction: float
    units_to_go: int | None
    days_to_go: float | None


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
    more = _units_to_go(plan, analysis)
    known = more is not None and ready.smallest_arm and ready.days_running >= _SHORTEST
    days = (more or 0) * ready.days_running / ready.smallest_arm if known else None
    return Progress(fraction, more, days)


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


def _units_to_go(plan: Plan, analysis: Analysis) -> int | None:
    ready = analysis.readiness
    if ready.smallest_arm < ready.needed_per_arm:
        return ready.needed_per_arm - ready.smallest_arm
    if analysis.reason_code not in FORECAST:
        return None
    projected = rule_of(plan).projection(plan, analysis) or ()
    needed = [units for units in projected if units is not None]
    if not needed or best_estimate(analysis) < plan.improvement_threshold:
        return None
    return max(1, min(needed) - ready.smallest_arm)
