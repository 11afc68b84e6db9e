"""Dates of a plan held against the clock: what was to begin or to end must still do so."""

from __future__ import annotations

from meta_experiment.errors import UsageError
from meta_experiment.model.instants import DAY, day, end_told, to_text
from meta_experiment.types import Plan


def require_ahead(plan: Plan, now: float, before: Plan | None = None) -> None:
    """Refuse dates that are over; of a plan that was another `before`, those that are new.

    A start on the day that it is now is one at once.

    Raises:
        UsageError: names the date, and the time that it is now.
    """
    start, end = plan.start_date, plan.end_date
    old = (None, None) if before is None else (before.start_date, before.end_date)
    it_is = f"is over, now it is {to_text(now)}; expected a time to come."
    if start is not None and start != old[0] and start <= now and not _is_today(start, now):
        raise UsageError(
            f"plan.start_date: {to_text(start)} {it_is}",
            hint=f"To begin at once, leave it out, or name today: {day(now)}",
        )
    if end is not None and end != old[1] and end <= now:
        raise UsageError(
            f"plan.end_date: {end_told(end)} {it_is}",
            hint="Name a later one, or leave it out: --max-duration-days ends it as well.",
        )


def _is_today(start: float, now: float) -> bool:
    return start % DAY == 0 and now < start + DAY
