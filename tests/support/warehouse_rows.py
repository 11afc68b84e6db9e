"""Made-up exposures and events of an experiment, for whichever engine is to hold them."""

import csv
import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from meta_experiment.model.mapping_document import mapping_from_document
from meta_experiment.model.plan_document import plan_from_document

FIRST_DAY = datetime(2026, 11, 1, tzinfo=UTC)
ARMS = {"A": "control", "B": "treatment"}
EXPOSURE = {
    "table": "shown", "unit": "unit", "variant": "arm", "variants": ARMS, "at": "at",
}  # fmt: skip
METRICS = {
    "cost_usd": {"table": "calls", "at": "at", "value": "cost", "aggregate": "sum"},
    "duration_seconds": {"table": "calls", "at": "at", "value": "seconds"},
    "success": {"table": "calls", "at": "at", "value": "ok", "aggregate": "any"},
}


@dataclass
class Rows:
    """Exposures (unit, arm, at) and events (unit, at, cost, seconds, ok), times in UTC."""

    shown: list
    calls: list


def made_up(units=400, *, seed=1, days=8, effect=0.8, twice=40, offset=0.0):
    """Return rows of so many units, each `twice`-th of which was in both arms."""
    chance = random.Random(seed)  # noqa: S311 - made-up data
    rows = Rows([], [])
    for number in range(units):
        arm = chance.choice("AB")
        at = FIRST_DAY + timedelta(seconds=chance.randrange(days * 86400))
        name = f"u{number}"
        rows.shown.append((name, arm, at))
        if chance.random() < 0.2:
            rows.shown.append((name, arm, at + timedelta(hours=3)))
        if twice and number % twice == 0:
            rows.shown.append((name, "AB"[arm == "A"], at + timedelta(hours=1)))
        for _ in range(chance.randrange(4)):
            moment = at + timedelta(seconds=chance.randrange(-20 * 3600, 30 * 3600))
            cost = chance.lognormvariate(0, 1) * (effect if arm == "B" else 1.0) + offset
            seconds = chance.lognormvariate(2, 0.7) * (effect if arm == "B" else 1.0)
            rows.calls.append((name, moment, cost, seconds, int(chance.random() < 0.6)))
    return rows


def mapping_of(tables, folder=".", **changes):
    """Return the mapping of such rows, which lie in these tables."""
    return mapping_from_document(mapping_document(tables, **changes), str(folder))


def mapping_document(tables, **changes):
    """Return the same as it is written."""
    document = {
        "tables": tables,
        "exposure": EXPOSURE,
        "window": {"hours": 24},
        "metrics": METRICS,
        **changes,
    }
    return json.loads(json.dumps(document))


def plan_of(primary="cost_usd", secondary=(), **settings):
    """Return a plan that is decided on a metric of such rows."""
    return plan_from_document(
        {
            "name": "in the warehouse",
            "hypothesis": "it is better",
            "files": [],
            "variants": ["control", "treatment"],
            "metrics": {"primary": {"name": primary}, "secondary": list(secondary)},
            "unit": "user",
            "assignment": {"method": "external"},
            **settings,
        }
    )


def write_csv(rows, folder):
    """Write the rows as two files; return the tables of a mapping."""
    heads = {"shown": ("unit", "arm", "at"), "calls": ("unit", "at", "cost", "seconds", "ok")}
    for name, head in heads.items():
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(head)
            writer.writerows([*map(_written, row)] for row in getattr(rows, name))
    return {name: {"path": f"{name}.csv"} for name in heads}


def _written(value):
    return f"{value:%Y-%m-%dT%H:%M:%S}" if isinstance(value, datetime) else value


def insert(rows, server, database):
    """Put the rows into tables of a PostgreSQL; return the tables of a mapping."""
    columns = {
        "shown": "unit text, arm text, at timestamptz",
        "calls": "unit text, at timestamptz, cost double precision, "
        "seconds double precision, ok integer",
    }
    for name, described in columns.items():
        lines = ",".join(
            "(" + ",".join(f"'{item}'" for item in row) + ")" for row in getattr(rows, name)
        )
        server.run(
            f"CREATE TABLE {name} ({described})",
            f"INSERT INTO {name} VALUES {lines}",  # noqa: S608 - made up here
            database=database,
        )
    return {name: f"public.{name}" for name in columns}
