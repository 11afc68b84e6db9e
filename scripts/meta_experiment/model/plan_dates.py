"""Dates of a plan: from when until when units take part, in UTC unless they name a zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from meta_experiment.errors import UsageError
from meta_experiment.model import fields
from meta_experiment.model.fields import Document

_EXPECTED = (
    "expected a day (2026-12-05, which is one in UTC) or a time with its zone "
    "(2026-12-05T09:00Z, 2026-12-05T09:00+01:00)"
)
_BY_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def date_in(
    document: Document, key: str, *, last: bool = False, of: str = "plan"
) -> float | None:
    """Read a date as seconds since the epoch; of the `last` day its end counts.

    Raises:
        UsageError: it is none, or a time without its zone.
    """
    value = document.get(key)
    if value is None:
        return None
    where = f"{of}.{key}"
    try:
        moment = _moment(value)
        if not isinstance(moment, datetime):
            day = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
            moment = day + timedelta(days=1) if last else day
    except ValueError:
        raise UsageError(f"{where}: {fields.shown(value)} is no date; {_EXPECTED}.") from None
    except OverflowError:
        raise UsageError(
            f"{where}: {fields.shown(value)} is the last day that there is, and has no end; "
            "expected an earlier one.",
            hint="For no end date leave it out: --max-duration-days ends it.",
        ) from None
    if moment.tzinfo is None:
        raise UsageError(
            f"{where}: {fields.shown(str(value))} says no zone; {_EXPECTED}.",
            hint=f"For UTC write {moment.isoformat()}Z",
        )
    return moment.timestamp()


def as_text(value: object) -> object:
    """Return a date as text where YAML has read it as one."""
    return value.isoformat() if isinstance(value, date) else value


def _moment(value: object) -> date:
    """Return a datetime, or a date where no time is said; else raise ValueError."""
    text = as_text(value)
    if not isinstance(text, str):
        raise ValueError(text)  # noqa: TRY004 - as one that is no date
    text = text.strip()
    if not _BY_DAY.match(text):  # as a week, which is no day
        raise ValueError(text)
    day_alone = len(text) <= len("2026-12-05")
    return date.fromisoformat(text) if day_alone else datetime.fromisoformat(text)
