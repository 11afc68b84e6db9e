"""How long `collect` takes of DuckDB, beside SQL written by hand that comes to the same sums.

    python benchmarks/collecting.py [--rows 100000000] [--units-of 10] [--rounds 3]

The rows lie in Parquet, made by DuckDB itself in the user's cache and kept there (--folder).
`once`: each row bears its unit, variant and values, without a time. `windows`: the same, each
unit from its first exposure on for a day, by day. `joined`: the exposures lie in a table of
their own. Both ask in turns, and the least time of each counts; CPU time beside the wall's, as
other processes disturb it less.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(REPOSITORY)]

LIMIT = 1.3
DAYS = 14
BYTES_OF_ROW = 40
_METRICS = {
    "cost_usd": {"value": "cost_usd", "aggregate": "sum"},
    "output_tokens": {"value": "output_tokens", "aggregate": "sum"},
    "error_rate": {"value": "failed", "aggregate": "any"},
}
_SUMS = "count(*), sum(c), sum(c * c), sum(o), sum(o * o), sum(f)"
_VALUES = "sum(cost_usd) c, sum(output_tokens) o, max(failed::tinyint) f"
BARE = {
    "once": f"""
        WITH units AS (
            SELECT session_id, min(variant) v, max(variant) w, {_VALUES}
            FROM '{{rows}}' GROUP BY 1)
        SELECT v, 0, {_SUMS} FROM units WHERE v = w GROUP BY 1, 2 ORDER BY 1, 2""",
    "windows": f"""
        WITH exposed AS (
            SELECT session_id, min(variant) v, max(variant) w, min(shown) began
            FROM '{{rows}}' GROUP BY 1),
        units AS (
            SELECT session_id, any_value(v) v, any_value(w) w, any_value(began) began, {_VALUES}
            FROM '{{rows}}' JOIN exposed USING (session_id)
            WHERE shown >= began AND shown < began + INTERVAL 1 DAY GROUP BY 1)
        SELECT v, epoch_us(began) // 86400000000, {_SUMS}
        FROM units WHERE v = w GROUP BY 1, 2 ORDER BY 1, 2""",
    "joined": f"""
        WITH exposed AS (
            SELECT session_id, min(variant) v, max(variant) w, min(shown) began
            FROM '{{exposures}}' GROUP BY 1),
        units AS (
            SELECT session_id, {_VALUES}
            FROM '{{rows}}' e JOIN exposed USING (session_id)
            WHERE e.shown >= began AND e.shown < began + INTERVAL 1 DAY GROUP BY 1),
        every AS (
            SELECT v, w, began, coalesce(c, 0) c, coalesce(o, 0) o, coalesce(f, 0) f
            FROM exposed LEFT JOIN units USING (session_id))
        SELECT v, epoch_us(began) // 86400000000, {_SUMS}
        FROM every WHERE v = w GROUP BY 1, 2 ORDER BY 1, 2""",
}  # fmt: skip


def made(folder: Path, rows: int, units_of: int) -> dict[str, str]:
    """Make the files, unless they are there; sessions come in time, with their rows mixed."""
    import duckdb

    folder.mkdir(parents=True, exist_ok=True)
    paths = {
        name: folder / f"{name}-{rows}-{units_of}.parquet" for name in ("rows", "exposures")
    }
    if shutil.disk_usage(folder).free < 2 * BYTES_OF_ROW * rows:
        sys.exit(f"There is not enough room in {folder} for {rows:,} rows.")
    mixed, apart = 1000 * units_of, DAYS * 86400 * 1_000_000 / rows
    unit = f"(i // {mixed}) * 1000 + (hash(i) % 1000)::bigint"
    with duckdb.connect() as connection:
        for name, query in {
            "rows": f"""
                SELECT {unit} session_id,
                    CASE hash({unit} + 7) % 2 WHEN 0 THEN 'control' ELSE 'treatment' END
                        variant,
                    TIMESTAMP '2026-06-01' + to_microseconds((i * {apart})::bigint) shown,
                    0.01 + (hash(i + 1) % 100000) / 1e6 cost_usd,
                    (hash(i + 2) % 4000)::integer output_tokens,
                    hash(i + 3) % 20 = 0 failed
                FROM range({rows}) made(i)""",
            "exposures": f"""
                SELECT session_id, min(variant) variant, min(shown) shown
                FROM '{paths["rows"]}' GROUP BY 1""",
        }.items():
            if not paths[name].exists():
                part = paths[name].with_suffix(".part")
                connection.execute(f"COPY ({query}) TO '{part}' (FORMAT parquet)")
                part.rename(paths[name])
    return {name: str(path) for name, path in paths.items()}


def mapping_of(case: str, paths: dict[str, str]) -> dict[str, Any]:
    """Return the mapping that a case is collected by."""
    table = "exposures" if case == "joined" else "rows"
    exposure = {
        "table": table,
        "unit": "session_id",
        "variant": "variant",
        "variants": {"control": "control", "treatment": "treatment"},
    }
    tables = {name: {"path": paths[name]} for name in {"rows", table}}
    timed = {"at": "shown"} if case != "once" else {}
    metrics = {name: {"table": "rows", **timed, **item} for name, item in _METRICS.items()}
    window = {"window": {"days": 1}} if timed else {}
    return {"tables": tables, "exposure": {**exposure, **timed}, "metrics": metrics, **window}


def collector(case: str, paths: dict[str, str]) -> Callable[[], dict[tuple[str, int], Any]]:
    """Return what collects a case, and gives units and sums by arm and day."""
    from meta_experiment.model.mapping_document import mapping_from_document
    from meta_experiment.model.plan_document import plan_from_document
    from meta_experiment.sources.warehouse.collecting import Period, collect
    from meta_experiment.sources.warehouse.engines import opened
    from meta_experiment.sources.warehouse.sought import sought

    plan = plan_from_document(
        {
            "name": "collecting", "hypothesis": "it is fast", "files": [], "unit": "session",
            "variants": ["control", "treatment"], "assignment": {"method": "external"},
            "metrics": {"primary": {"name": "cost_usd"}, "secondary": ["output_tokens"]},
        }
    )  # fmt: skip
    mapping = mapping_from_document(mapping_of(case, paths))
    wanted, period = sought(plan, mapping), Period(1.8e9)

    def run() -> dict[tuple[str, int], Any]:
        with opened(None) as engine:
            sums, _ = collect(engine, mapping, ["control", "treatment"], wanted, period)
        found = {}
        for day in sums.days:
            cost = day.metrics["cost_usd"].joint.moments()
            found[day.variant, day.day or 0] = day.units, cost.n * cost.mean
        return found

    return run


def bare(case: str, paths: dict[str, str]) -> Callable[[], dict[tuple[str, int], Any]]:
    """Return what asks the same by hand."""
    import duckdb

    def run() -> dict[tuple[str, int], Any]:
        with duckdb.connect() as connection:
            rows = connection.execute(BARE[case].format(**paths)).fetchall()
        return {(row[0], row[1]): (row[2], row[3]) for row in rows}

    return run


def timed(run: Callable[[], Any]) -> tuple[float, float, Any]:
    """Return seconds on the wall and of the processors, and what came of it."""
    wall, used = time.perf_counter(), time.process_time()
    found = run()
    return time.perf_counter() - wall, time.process_time() - used, found


def compare(case: str, paths: dict[str, str], rounds: int) -> dict[str, Any]:
    """Ask both in turns; refuse to compare what comes to other sums."""
    ways = {"bare": bare(case, paths), "collect": collector(case, paths)}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        found = {}
        for name, run in ways.items():
            wall, used, found[name] = timed(run)
            taken[name].append((wall, used))
        if found["bare"].keys() != found["collect"].keys():
            sys.exit(f"{case}: other groups: {found}")
        for key, (units, total) in found["bare"].items():
            other = found["collect"][key]
            if other[0] != units or abs(other[1] - total) > 1e-9 * abs(total):
                sys.exit(f"{case} {key}: {other} and not {(units, total)}")
    least = {
        name: [min(part) for part in zip(*all_, strict=True)] for name, all_ in taken.items()
    }
    return {
        "case": case,
        "bare_seconds": round(least["bare"][0], 2),
        "collect_seconds": round(least["collect"][0], 2),
        "wall_ratio": round(least["collect"][0] / least["bare"][0], 3),
        "cpu_ratio": round(least["collect"][1] / least["bare"][1], 3),
    }


def main(arguments: list[str] | None = None) -> int:
    """Measure; exit with 1 where `collect` takes longer than it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000_000)
    parser.add_argument("--units-of", type=int, default=10, help="rows of a unit, on average")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--case", choices=BARE, action="append")
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    parser.add_argument(
        "--folder", type=Path, default=Path(cache, "meta-experiment", "collecting")
    )
    asked = parser.parse_args(arguments)
    paths = made(asked.folder, asked.rows, asked.units_of)
    slow = False
    for case in asked.case or BARE:
        told = compare(case, paths, asked.rounds)
        slow = slow or min(told["wall_ratio"], told["cpu_ratio"]) > LIMIT
        print(json.dumps({"rows": asked.rows, **told, "limit": LIMIT}), flush=True)
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
