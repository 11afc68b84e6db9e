"""Local times without an offset, turned into UTC by the rules of their zone.

The rules are written into the query, so that every engine takes the same ones: by their own
functions they differ in which of two hours is meant where a summer ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(2041, 1, 1, tzinfo=UTC)  # far beyond an experiment's days
_DAY = timedelta(days=1)
SAYS_ZONE = ":[0-9]{2}.*([A-Za-z]|[+-][0-9:]+)$"  # of a text with a time of day

OffsetChange = tuple[datetime, int]  # the local time from which on, and the seconds from UTC


def in_utc(local: Any, zone: str) -> Any:  # noqa: ANN401 - expressions of Ibis
    """Return the moment that a zone's clocks show a time.

    Of two such, as an hour comes twice where a summer ends, it is the first. A time that they
    leave out where it begins is as far after the change as it says.
    """
    first, changes = offset_changes(zone)
    return local - _offset(local, first, changes).as_interval("s")


@cache
def offset_changes(zone: str) -> tuple[int, tuple[OffsetChange, ...]]:
    """Return the offset that a zone began 1970 with, and its changes in the order of time."""
    place = ZoneInfo(zone)
    first = before = _seconds(place, _FIRST)
    found, at = [], _FIRST
    while at < _LAST:
        following = at + _DAY
        after = _seconds(place, following)
        if after != before:
            change = _change_between(place, at, following)
            local = change + timedelta(seconds=max(before, after))
            found.append((local.replace(tzinfo=None), after))
        at, before = following, after
    return first, tuple(found)


def _seconds(place: ZoneInfo, at: datetime) -> int:
    offset = at.astimezone(place).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def _change_between(place: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """Return the first second with the later offset."""
    before = _seconds(place, low)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
        if _seconds(place, middle) == before:
            low = middle
        else:
            high = middle
    return high


def _offset(local: Any, before: int, changes: Sequence[OffsetChange]) -> Any:  # noqa: ANN401
    """Return the offset at a local time, by halves: seven comparisons find it."""
    import ibis

    if not changes:
        return ibis.literal(before, "int64")
    middle = len(changes) // 2
    since, after = changes[middle]
    return ibis.ifelse(
        local < ibis.timestamp(since),
        _offset(local, before, changes[:middle]),
        _offset(local, after, changes[middle + 1 :]),
    )
