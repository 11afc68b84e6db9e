"""How long folding a million trial lines takes, as a ratio to DuckDB reading the same file.

    python benchmarks/fold.py [--lines 1000000] [--runs 5]

Three logs of one experiment: `typed`, outcomes as `record` writes them a hundred at a time (two
metrics, 163 bytes); `single`, the same recorded one by one; and `mixed`, as typed, but a tenth
of it live trials (a line of the assignment sequence, and an outcome of twenty metrics, some 700
bytes, in a log of its own). Ours folds all of it into trials, duplicates removed, conflicts and
damage found, and sums a metric by arm; it uses the standard library alone. DuckDB reads the
JSON with an explicit schema and sums the same metric by arm, once as the lines stand and once
with duplicates removed. Each is a program of its own, from its start to its end, interleaved;
both use the processors they find. Memory is that of all processes of a program, shared pages
counted once, in a run that is not timed. DuckDB comes from a throw-away environment that is
made here.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(REPOSITORY)]

from benchmarks.making import EXPERIMENT, PYTHON, head, live, typed  # noqa: E402

MOST_TIMES = 6.0
MOST_MEMORY = 64.0  # MB

_OURS = """
import json, sys
from itertools import compress
sys.path.insert(0, {scripts!r})
from pathlib import Path
from meta_experiment.files.roots import Layout
from meta_experiment.protocol.seal import seal_of
from meta_experiment.store.local.counting import Counting
from meta_experiment.store.local.tracked import TrackedLogs
from meta_experiment.store.local.reading.trials import read_trials
counting = Counting(seal_of({root!r}), {{}}, TrackedLogs())
log = read_trials(Layout(Path({root!r})), counting, {experiment!r})
columns = log.trials._columns
sums = {{}}
values = columns.metrics["duration_seconds"]
for arm, code in columns.variants.items():
    mine = map(code.__eq__, columns.variant)
    sums[arm] = (columns.variant.count(code), sum(compress(values, mine)))
print(json.dumps([sums, len(log.trials), log.set_aside_count]))
"""

_DUCKDB = """
import json
import duckdb
duckdb.sql("set enable_progress_bar = false")
lines = \"\"\"read_json({files!r}, format='newline_delimited', columns={columns!r})\"\"\"
found = duckdb.sql(f\"\"\"select variant, count(*), sum(metrics.duration_seconds)
    from (select {distinct} variant, metrics from {{lines}}) group by 1\"\"\").fetchall()
print(json.dumps({{arm: rest for arm, *rest in found}}))
"""


def write(root: Path, kind: str, lines: int) -> Path:
    """Write the logs of one experiment; one outcome in two hundred stands there twice."""
    chance = random.Random(1)  # noqa: S311 - data, no secrets
    folder = root / ".claude" / "meta" / "trials" / EXPERIMENT
    folder.mkdir(parents=True)
    twice = lines // 200
    if kind == "mixed":
        share = lines // 20
        sequence, outcomes = live(chance, share)
        for name, data in (
            ("assignments.1.tsv", sequence),
            ("host-live.jsonl", b"".join(outcomes)),
        ):
            (folder / name).write_bytes(head(root, EXPERIMENT, name) + data)
        lines -= 2 * share
    with (folder / "host-0.jsonl").open("wb") as stream:
        stream.write(head(root, EXPERIMENT, "host-0.jsonl"))
        kept: list[bytes] = []
        batch = 1 if kind == "single" else 100
        for number, line in enumerate(typed(chance, lines - twice, batch=batch)):
            stream.write(line)
            if number % 199 == 0 and len(kept) < twice:
                kept.append(line)
        stream.writelines(kept)
    return folder


def programs(root: Path, folder: Path) -> dict[str, str]:
    """Return what is measured, by name."""
    names = ["duration_seconds", "output_tokens"]
    if (folder / "host-live.jsonl").exists():
        with (folder / "host-live.jsonl").open() as stream:
            stream.readline()
            names = list(json.loads(stream.readline())["metrics"])
    columns = dict.fromkeys(("event", "trial_id", "variant", "status"), "VARCHAR")
    columns |= {"at": "DOUBLE"}
    columns["metrics"] = f"STRUCT({', '.join(f'{name} DOUBLE' for name in names)})"
    given = {"files": str(folder / "*.jsonl"), "columns": columns}
    return {
        "ours": _OURS.format(
            scripts=str(REPOSITORY / "scripts"), root=str(root), experiment=EXPERIMENT
        ),
        "duckdb": _DUCKDB.format(**given, distinct=""),
        "duckdb, distinct": _DUCKDB.format(**given, distinct="distinct on (trial_id)"),
    }


def environment(folder: Path) -> str:
    """Return the interpreter of an environment that has DuckDB."""
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    quiet = ["-q", "--disable-pip-version-check"]
    subprocess.run([python, "-m", "pip", "install", *quiet, "duckdb"], check=True)
    return python


def seconds_of(python: str, program: str) -> float:
    """Run a program; returns how long it took."""
    start = time.perf_counter()
    subprocess.run([python, "-c", program], check=True, capture_output=True)
    return time.perf_counter() - start


def memory_of(python: str, program: str) -> float:
    """Run a program; returns the most memory that it and its children had at once, in MB."""
    most = 0
    with subprocess.Popen([python, "-c", program], stdout=subprocess.DEVNULL) as running:
        while running.poll() is None:
            most = max(most, sum(map(_resident, _family(running.pid))))
            time.sleep(0.02)
    return most / 1024


def _family(process: int) -> list[int]:
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        children = []
    return [process, *map(int, children)]


def _resident(process: int) -> int:
    """Return a process's share of the memory it uses, in kB; nothing when it has ended."""
    try:
        rows = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(row.split()[1]) for row in rows if row.startswith("Pss:")), 0)


def compare(root: Path, kind: str, lines: int, runs: int, duckdb: str) -> tuple[float, float]:
    """Print one comparison; returns times over DuckDB and peak memory."""
    folder = write(root, kind, lines)
    size = sum(path.stat().st_size for path in folder.iterdir())
    found = programs(root, folder)
    pythons = {name: PYTHON if name == "ours" else duckdb for name in found}
    seconds: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(runs):
        for name, program in found.items():
            seconds[name].append(seconds_of(pythons[name], program))
    peaks = {name: memory_of(pythons[name], program) for name, program in found.items()}
    base = statistics.median(seconds["duckdb"])
    print(f"{kind}: {lines:,} lines, {size / 1e6:.0f} MB, one experiment, {runs} runs")
    for name, took in seconds.items():
        middle = statistics.median(took)
        print(f"  {name:18} {middle:7.2f} s   x {middle / base:5.2f}   {peaks[name]:6.1f} MB")
    ratios = [
        one / other for one, other in zip(seconds["ours"], seconds["duckdb"], strict=True)
    ]
    return statistics.median(ratios), peaks["ours"]


def main() -> int:
    """Print the figures; exit 1 when one is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--duckdb", help="An interpreter that has DuckDB [one is made].")
    given = parser.parse_args()
    over = False
    with tempfile.TemporaryDirectory(prefix="meta-bench-") as temporary:
        folder = Path(temporary)
        duckdb = given.duckdb or environment(folder / "duckdb")
        for kind in ("typed", "single", "mixed"):
            ratio, peak = compare(folder / kind, kind, given.lines, given.runs, duckdb)
            print(f"  ratio {ratio:.2f} (limit {MOST_TIMES:g}), peak {peak:.1f} MB (limit 64)")
            over = over or ratio > MOST_TIMES or peak > MOST_MEMORY
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
