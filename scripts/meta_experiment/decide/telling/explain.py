"""Explanation in one sentence: why there is no decision yet, and what is missing."""

from __future__ import annotations

import math
from collections.abc import Sequence

from meta_experiment.decide.rules import rule_of
from meta_experiment.types import Analysis, Decision, Plan, ReasonCode, Unit


def explain(plan: Plan, analysis: Analysis) -> str:
    """Say why there is no decision yet, and roughly what it would take.

    The number of units is that at which data of the same means and spreads would decide; it
    is a projection of an estimate, so that it can be far off.
    """
    if analysis.decision is not Decision.EXTEND:
        return f"{analysis.decision}: {analysis.reason}"
    if analysis.reason_code is not ReasonCode.EVIDENCE_INSUFFICIENT:
        return f"No decision yet: {analysis.reason}"
    projected = rule_of(plan).projection(plan, analysis)
    if projected is None:
        return f"No decision yet: {analysis.reason}"
    needed = [units for units in projected if units is not None]
    return f"No decision yet: {analysis.reason} {_projected(plan, analysis, needed)}"


def _projected(plan: Plan, analysis: Analysis, needed: Sequence[int]) -> str:
    what = "cases" if plan.unit is Unit.CASE else "units per arm"
    more = min(needed, default=0) - analysis.readiness.smallest_arm
    if not needed:
        return f"As it looks now, more {what} would not show it to be better."
    best = max(
        (item.effect.relative or 0.0 for item in analysis.primary.comparisons), default=0.0
    )
    if best < plan.improvement_threshold:
        return (
            f"As it looks now, it stays below the {plan.improvement_threshold:.0%} that the "
            "plan asks for."
        )
    if more <= 0:
        return f"A few more {what} may decide."
    return f"If it stays as it looks, about {_rough(more)} more {what} would decide."


def _rough(number: int) -> int:
    """Round up to two significant digits: a projection has no more."""
    step: int = 10 ** max(0, len(str(number)) - 2)
    return math.ceil(number / step) * step
