"""Dates of a plan held against the clock: what was to begin or to end must still do so."""

from __future__ import annotations

from meta_experiment.errors import UsageError
from meta_experiment.model.instants import to_text
from meta_experiment.types import Plan


def require_ahead(plan: Plan, now: float) -> None:
    """Refuse dates that are over.

    Raises:
        UsageError: names the date, and the time that it is now.
    """
    for name, at in (("start_date", plan.start_date), ("end_date", plan.end_date)):
        if at is not None and at <= now:
            raise UsageError(
                f"plan.{name}: {to_text(at)} is over, now it is {to_text(now)}; expected a "
                "time to come.",
                hint="To begin at once, leave it out."
                if name == "start_date"
                else "Name a later one, or leave it out: --max-duration-days ends it as well.",
            )
