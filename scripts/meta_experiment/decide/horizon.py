"""Readiness and horizon: whether there is enough to decide on, and still time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from meta_experiment.decide.metrics.rates import NOT_BINARY
from meta_experiment.decide.metrics.ratios import NOTHING_BELOW
from meta_experiment.decide.metrics.sample import NOT_FINITE, NOT_POSITIVE
from meta_experiment.decide.opening import opens_at
from meta_experiment.decide.rules.rule import Look, Rule
from meta_experiment.decide.units import given_up_at, is_closed
from meta_experiment.types import Plan, Readiness, Trial, Unit

_DAY = 86400.0
_WHY_NOT = {
    NOT_BINARY: "neither 0 nor 1",
    NOT_FINITE: "too large or too small to be squared",
    NOT_POSITIVE: "not above zero, where logarithms are compared",
    NOTHING_BELOW: "divided by a sum of zero",
}


def readiness(
    plan: Plan,
    rule: Rule,
    look: Look,
    measured: Mapping[str, int],
    as_of: float,
    started: float | None,
    left_out: Mapping[str, int] | None = None,
) -> Readiness:
    """Say whether a decision may be taken at all.

    `measured` is the number of units per arm with a value of the primary metric that can be
    compared, `left_out` counts by reason the values that cannot.
    """
    smallest = min(measured.values(), default=0)
    days = days_running(as_of, started)
    ready = rule.is_ready(plan, look, smallest)
    needed = opens_at(plan) if rule.by_e_values else plan.sample_size
    return Readiness(
        ready=ready,
        needed_per_arm=needed,
        smallest_arm=smallest,
        days_running=days,
        days_left=None if started is None else _days_left(plan, days, as_of),
        reason=_reason(plan, rule, look, measured, needed=needed, ready=ready)
        + ("" if ready else _left_out(plan, left_out or {})),
    )


def _left_out(plan: Plan, reasons: Mapping[str, int]) -> str:
    """Say which values there are that cannot be compared, if there are any."""
    told = [
        f"{many:,} {'value is' if many == 1 else 'values are'} {_WHY_NOT.get(reason, reason)}"
        for reason, many in reasons.items()
    ]
    return f" Left out of {plan.primary.name}: {', '.join(told)}." if told else ""


def _days_left(plan: Plan, days: float, as_of: float) -> float:
    left = plan.max_duration_days - days
    if plan.end_date is not None:
        left = min(left, (plan.end_date - as_of) / _DAY)
    return max(0.0, left)


def comes_in(plan: Plan, started: float, settles: float) -> float:
    """Return when the last of a plan's days has come in, so long after its end.

    Units count for the day they came on, and a day comes in whole.
    """
    ends = started + plan.max_duration_days * _DAY
    if plan.end_date is not None:
        ends = min(ends, plan.end_date)
    return math.ceil(ends / _DAY) * _DAY + settles


def days_running(as_of: float, started: float | None) -> float:
    """Return the days since the start, none where that is not known."""
    return 0.0 if started is None else max(0.0, as_of - started) / _DAY


def _reason(
    plan: Plan,
    rule: Rule,
    look: Look,
    measured: Mapping[str, int],
    *,
    needed: int,
    ready: bool,
) -> str:
    missing = ", ".join(
        f"{needed - n} more in {arm} (has {n})" for arm, n in measured.items() if n < needed
    )
    if ready and not missing:
        return "Every arm has the units the plan asks for."
    if look.waiting:
        return f"Enough units are assigned; {look.waiting} of them have not closed a trial yet."
    if not missing:
        return rule.words.unready(plan)
    paired = plan.unit is Unit.CASE
    what = "cases measured in both arms" if paired else "units per arm"
    by = "" if needed == plan.sample_size else f" for {plan.primary.name}"
    return f"The plan needs {needed} {what}{by}: {missing}."


def stands_until(
    plan: Plan,
    trials: Iterable[Trial],
    as_of: float,
    started: float | None,
    *,
    over: bool = False,
) -> float | None:
    """Return when the analysis of these trials changes by the clock alone; None if never.

    That is when a trial that is still open is given up, or when the days of the plan are over,
    which no longer count once the experiment itself is `over`.
    """
    moments = [
        given_up_at(trial)
        for trial in trials
        if not is_closed(trial) and trial.excluded is None
    ]
    if not over:
        moments += [at for at in (plan.start_date, plan.end_date) if at is not None]
    if started is not None and not over:
        moments.append(started + plan.max_duration_days * _DAY)
    return min((moment for moment in moments if as_of < moment < math.inf), default=None)


def longest_days(plan: Plan) -> float:
    """Return the days that a plan lasts at most, as far as its dates tell that beforehand."""
    if plan.start_date is None or plan.end_date is None:
        return plan.max_duration_days
    return min(plan.max_duration_days, (plan.end_date - plan.start_date) / _DAY)


def horizon_reached(plan: Plan, readiness: Readiness, as_of: float) -> str | None:
    """Say which limit of the plan is reached, if any: its end, its days, its units per arm."""
    if plan.end_date is not None and as_of >= plan.end_date:
        return "at its end date"
    if readiness.days_left == 0.0:
        run = in_days(readiness.days_running)
        return f"after {run} of at most {plan.max_duration_days:g} days"
    if plan.max_sample is not None and readiness.smallest_arm >= plan.max_sample:
        return f"at {readiness.smallest_arm} of at most {plan.max_sample} units per arm"
    return None


def in_days(days: float) -> str:
    """Write a number of days so that a small part of one is not nothing, whole ones as such."""
    if days >= 100:
        return f"{days:,.0f}"
    return f"{days:,.1f}".removesuffix(".0") if days >= 0.95 else f"{days:.2g}"
