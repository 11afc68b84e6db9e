"""Explanation in sentences: why there is no decision yet, and what would make one surer."""

from __future__ import annotations

import math
from collections.abc import Iterator

from meta_experiment.decide.horizon import in_days
from meta_experiment.decide.telling.progress import FORECAST, Progress, progress
from meta_experiment.types import (
    Analysis,
    Decision,
    GuardrailState,
    Obstacle,
    Plan,
    ReasonCode,
    Unit,
)

_UNTIL = {
    ReasonCode.GUARDRAIL_BEYOND_MARGIN: "until {metric} looks within its margin",
    ReasonCode.GUARDRAIL_UNDETERMINED: "until {metric} is shown to be within its margin",
    ReasonCode.GUARDRAIL_FAILED: "while {metric} is shown to be beyond its margin",
    ReasonCode.GUARDRAIL_MISSING: "until enough units have {metric}",
    ReasonCode.ERRORS_RISE: "as long as errors rise",
    ReasonCode.BELOW_THRESHOLD_SO_FAR: "until the estimate is as large as the plan asks for",
}

_OTHERWISE = {  # what would make one surer, where it is not more of the same
    ReasonCode.DEGENERATE_DATA: (
        "Units that differ would tell more: as long as the values of each arm are all alike, "
        "more of them show nothing; choose a metric that varies."
    ),
}


def explain(plan: Plan, analysis: Analysis) -> str:
    """Say why there is no decision yet, and roughly what it would take.

    The number of units is that at which data of the same means and spreads would decide; it
    is a projection of an estimate, so that it can be far off.
    """
    if analysis.decision is not Decision.EXTEND:
        return f"{analysis.decision}: {analysis.reason}"
    ahead = progress(plan, analysis)
    return " ".join((f"No decision yet: {analysis.reason}", *_takes(plan, analysis, ahead)))


def surer(plan: Plan, analysis: Analysis, ahead: Progress) -> str:
    """Say what would make one surer: units by the plan's own forecast, and what else."""
    if analysis.decision is Decision.EXTEND:
        ready = analysis.readiness
        short = ready.needed_per_arm - ready.smallest_arm
        told = list(_takes(plan, analysis, ahead))
        if not told and short > 0:
            told = [f"At least {short:,} more {_units(plan, short)}."]
        return " ".join(told) or _OTHERWISE.get(analysis.reason_code, analysis.reason)
    if analysis.obstacles:
        missing = " ".join(item.reason for item in analysis.obstacles)
        return f"The plan ended before it was shown. What was missing: {missing}"
    if analysis.reason_code is ReasonCode.ALERT_ACTED:
        return f"An alert is no proof: more {_units(plan)} would tell whether that is chance."
    if analysis.decision is not Decision.PROMOTE:
        return "Nothing more is needed: the question is answered as far as the plan asks."
    open_ = [
        item.metric
        for item in analysis.guardrails
        if item.state is GuardrailState.UNDETERMINED and item.treatment == analysis.winner
    ]
    settle = f", and may settle {', '.join(open_)}" if open_ else ""
    return f"Nothing more is needed to decide; more {_units(plan)} narrow the interval{settle}."


def _takes(plan: Plan, analysis: Analysis, ahead: Progress) -> Iterator[str]:
    """Say how many more units it takes, and what else than units."""
    if any(item.reason_code in FORECAST for item in analysis.obstacles):
        yield from _forecast(plan, analysis, ahead)
    besides = [item for item in ahead.held_by if item.reason != analysis.reason]
    for item in ahead.held_by:
        if item not in besides and item.reason_code in _UNTIL:
            yield f"A promotion waits {_UNTIL[item.reason_code].format(metric=item.metric)}."
    yield from (_besides(item) for item in besides)


def _besides(item: Obstacle) -> str:
    if item.reason_code is ReasonCode.BELOW_THRESHOLD_SO_FAR:
        return item.reason
    until = _UNTIL.get(item.reason_code)
    waits = f"A promotion waits {until.format(metric=item.metric)}." if until else ""
    if item.reason_code is ReasonCode.GUARDRAIL_MISSING:
        return waits  # which says it all
    return f"Besides: {item.reason} {waits}".rstrip()


def _forecast(plan: Plan, analysis: Analysis, ahead: Progress) -> Iterator[str]:
    more, held = ahead.units_to_go, ahead.held_by
    if ahead.never:
        yield f"As it looks now, more {_units(plan)} would not show it to be better."
    elif more is not None:
        do = "be evidence enough" if held else "decide"
        if more == 1:
            yield f"A few more {_units(plan)} may {do}."
            return
        many = f"about {_rough(more):,} more {_units(plan, more)}"
        yield f"If it stays as it looks, {many} would {do}{_when(plan, analysis, ahead)}."


def _when(plan: Plan, analysis: Analysis, ahead: Progress) -> str:
    """Say when that is, and that the plan ends before where it does."""
    left = analysis.readiness.days_left
    if ahead.days_to_go is not None and left is not None:
        return (
            f", in some {in_days(ahead.days_to_go)} days at the rate so far (the plan ends in "
            f"{in_days(left)} {'day' if left == 1 else 'days'})"
        )
    if ahead.in_time is False:
        return f", more than the {plan.max_sample:,} that the plan allows"
    return ""


def _units(plan: Plan, many: int = 2) -> str:
    noun = "case" if plan.unit is Unit.CASE else "unit"
    return f"{noun}{'' if many == 1 else 's'}{'' if noun == 'case' else ' per arm'}"


def _rough(number: int) -> int:
    """Round up to two significant digits: a projection has no more."""
    step: int = 10 ** max(0, len(str(number)) - 2)
    return math.ceil(number / step) * step
