"""Explanation in one sentence: why there is no decision yet, and what is missing."""

from __future__ import annotations

import math

from meta_experiment.decide.horizon import in_days
from meta_experiment.decide.rules import rule_of
from meta_experiment.decide.telling.progress import FORECAST, best_estimate, progress
from meta_experiment.types import Analysis, Decision, Plan, Unit


def explain(plan: Plan, analysis: Analysis) -> str:
    """Say why there is no decision yet, and roughly what it would take.

    The number of units is that at which data of the same means and spreads would decide; it
    is a projection of an estimate, so that it can be far off.
    """
    if analysis.decision is not Decision.EXTEND:
        return f"{analysis.decision}: {analysis.reason}"
    no_decision = f"No decision yet: {analysis.reason}"
    if analysis.reason_code not in FORECAST:
        return no_decision
    projected = rule_of(plan).projection(plan, analysis)
    if projected is None:
        return no_decision
    ever = any(units is not None for units in projected)
    return f"{no_decision} {_projected(plan, analysis, ever=ever)}"


def _projected(plan: Plan, analysis: Analysis, *, ever: bool) -> str:
    what = "cases" if plan.unit is Unit.CASE else "units per arm"
    if not ever:
        return f"As it looks now, more {what} would not show it to be better."
    if best_estimate(analysis) < plan.improvement_threshold:
        return (
            f"As it looks now, it stays below the {plan.improvement_threshold:.0%} that the "
            "plan asks for."
        )
    ahead = progress(plan, analysis)
    more = ahead.units_to_go or 1
    if more == 1:
        return f"A few more {what} may decide."
    days = ""
    if ahead.days_to_go is not None and analysis.readiness.days_left is not None:
        days = (
            f", in some {in_days(ahead.days_to_go)} days at the rate so far (the plan ends in "
            f"{in_days(analysis.readiness.days_left)})"
        )
    return f"If it stays as it looks, about {_rough(more)} more {what} would decide{days}."


def _rough(number: int) -> int:
    """Round up to two significant digits: a projection has no more."""
    step: int = 10 ** max(0, len(str(number)) - 2)
    return math.ceil(number / step) * step
