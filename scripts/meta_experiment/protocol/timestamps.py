"""Times of a transcript as seconds since the epoch, without the `datetime` module."""

from __future__ import annotations


def epoch(stamp: object) -> float | None:
    """Read `2026-11-21T14:16:58.323Z` or the like with an offset; None for anything else."""
    if type(stamp) is not str or len(stamp) < 20 or stamp[4] != "-" or stamp[10] not in "T ":
        return None
    try:
        days = _days(int(stamp[0:4]), int(stamp[5:7]), int(stamp[8:10]))
        clock = int(stamp[11:13]) * 3600 + int(stamp[14:16]) * 60
        rest = stamp[17:]
        if rest[-1] in "Zz":
            return days * 86400.0 + clock + _seconds(rest[:-1])
        sign = -1 if rest[-6] == "+" else 1
        offset = sign * (int(rest[-5:-3]) * 3600 + int(rest[-2:]) * 60)
        return days * 86400.0 + clock + offset + _seconds(rest[:-6])
    except (ValueError, IndexError):
        return None


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < 61:
        raise ValueError("no seconds of a minute")
    return seconds


def _days(year: int, month: int, day: int) -> int:
    """Count the days since 1970-01-01 in the Gregorian calendar."""
    if not (1 <= month <= 12 and 1 <= day <= 31):
        raise ValueError("no date")
    year -= month <= 2
    of_era = year % 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return year // 400 * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
