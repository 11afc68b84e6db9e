"""Exposures in local times that say no zone, of which some a clock shows twice or never."""

import csv
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.support.warehouse_rows import EXPOSURE

ZONE = "America/New_York"
LEFT_OUT, TWICE = "2026-03-08T02:00", "2026-11-01T01:00"  # an hour that begins so
LOCAL = [
    datetime.fromisoformat(change) + timedelta(minutes=30 * step)
    for change in (LEFT_OUT, TWICE)
    for step in range(-50, 51)
]


def utc_of(local):
    """Return the moment of a local time as Python has it, the first of two."""
    return local.replace(tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


def shown():
    """Return a unit for each local time: its name, arm and time."""
    return [(f"u{number}", "AB"[number % 2], at) for number, at in enumerate(LOCAL)]


def calls():
    """Return two events of each unit, of which the one shortly before does not count."""
    minutes = timedelta(minutes=10)
    return [
        (unit, utc_of(at) + step, cost)
        for unit, _, at in shown()
        for step, cost in ((-minutes, 100.0), (minutes, 1.0))
    ]


def write_rows(folder):
    """Write both as files of CSV, those of events in UTC; return the tables of a mapping."""
    rows = {
        "shown": [
            ("unit", "arm", "at"),
            *((*it[:2], f"{it[2]:%Y-%m-%d %H:%M:%S}") for it in shown()),
        ],
        "calls": [
            ("unit", "at", "cost"),
            *((it[0], f"{it[1]:%Y-%m-%dT%H:%M:%SZ}", it[2]) for it in calls()),
        ],
    }
    for name, lines in rows.items():
        with (folder / f"local_{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows(lines)
    return {name: {"path": f"local_{name}.csv"} for name in rows}


def changes_of(**at):
    """Return what a mapping of such rows says otherwise; `at` of the exposures besides."""
    return {
        "exposure": {**EXPOSURE, "at": {"column": "at", "zone": ZONE, **at}},
        "window": {"minutes": 30},
        "metrics": {
            "cost_usd": {"table": "calls", "at": "at", "value": "cost", "aggregate": "sum"}
        },
    }


def expected():
    """Return by arm and day how many units there are: each has one event that counts."""
    found = {}
    for _, arm, at in shown():
        key = arm, int(utc_of(at).timestamp() // 86400)
        found[key] = found.get(key, 0) + 1
    return found
