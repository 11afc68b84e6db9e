"""How many queued trials a second one client ships to its team's store, beside `COPY` alone.

    python benchmarks/shipping.py [--trials 100000] [--rounds 3]

A PostgreSQL of its own on 127.0.0.1, durable, and a checkout whose log holds that many trials.
In turn, each time with other trials: the lines by `COPY` alone into a table of one column, as
fast as this server takes them in from one client; `store ship` of the same, signed, chained and
each line a row with its index; a pull of them by another machine, checked and appended. Then
`status` of a board of all these with a store in use, beside one of the same trials without.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(REPOSITORY)]

from tests.logs import own_log  # noqa: E402
from tests.support.postgres import Server  # noqa: E402
from tests.teams.postgres_team import PostgresTeam  # noqa: E402
from tests.teams.teammates import Teammate, team_of  # noqa: E402

WANTED = 20_000  # trials a second
BOARD_LIMIT = 2.0  # times of the local one
LINE = (
    '{{"event":"recorded","at":{at},"trial_id":"{trial:016x}","variant":"{variant}",'
    '"unit":"session-{trial}","status":"ok","metrics":{{"duration_seconds":{seconds},'
    '"output_tokens":1830,"cost_usd":0.0123}}}}\n'
)


def lines(count: int, begin: int) -> bytes:
    """Return the lines of so many trials."""
    return "".join(
        LINE.format(
            at=1_760_000_000 + number,
            trial=begin + number,
            variant=("control", "treatment")[number % 2],
            seconds=5 + number % 97 / 10,
        )
        for number in range(count)
    ).encode()


def copied(server: Server, database: str, data: bytes) -> float:
    """Return the seconds that `COPY` alone takes for these lines."""
    import psycopg

    with psycopg.connect(server.url(database)) as connection:
        connection.execute("create table bare (line text)")
        connection.commit()
        began = time.perf_counter()
        with connection.cursor() as cursor, cursor.copy("copy bare from stdin") as copy:
            copy.write(data)
        connection.commit()
        took = time.perf_counter() - began
        connection.execute("drop table bare")
    return took


def timed(work: Callable[[], Any]) -> float:
    """Return the seconds that something takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def board(mate: Teammate) -> float:
    """Return the seconds of `status` as a program, in the best of some runs."""
    command = [sys.executable, "-m", "meta_experiment", "status", "--root", str(mate.root)]
    environment = {
        **os.environ,
        **mate.environment,
        "PYTHONPATH": str(REPOSITORY / "scripts"),
        "META_EXPERIMENT_STORE": mate.team.url,
    }
    times = []
    for _ in range(7):
        began = time.perf_counter()
        subprocess.run(command, env=environment, check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    return min(times)


def main() -> int:
    """Measure and judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    server = Server(durable=True)
    found: dict[str, list[float]] = {"copy": [], "ship": [], "pull": []}
    with contextlib.ExitStack() as ending:
        ending.callback(server.remove)
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory()))
        database = server.database()
        team = PostgresTeam(server.url(database))
        made, (ann, bob) = team_of(folder, "ann", "bob", team=team)
        for number in range(options.rounds):
            data = lines(options.trials, number * options.trials)
            with ann.at_work() as workspace:
                own_log(workspace.root, made, f"{mark(ann)}-host-{number}.jsonl", data)
            found["copy"].append(copied(server, database, data))
            found["ship"].append(timed(ann.exchange))
            found["pull"].append(timed(bob.exchange))
            shares = ", ".join(f"{name} {times[-1]:.2f} s" for name, times in found.items())
            print(f"round {number + 1}: {shares}", flush=True)
        trials = options.trials * options.rounds
        if len(bob.trials(made)) != trials:
            print("FAIL  not every trial arrived")
            return 1
        ratio = beside(same_alone(folder, bob, made, options), bob)
    rates = {name: options.trials / statistics.median(it) for name, it in found.items()}
    for name, a_second in rates.items():
        print(f"{name:5} {a_second:10,.0f} trials a second")
    print(f"ship takes {rates['copy'] / rates['ship']:.1f} times as long as COPY alone")
    good = rates["ship"] >= WANTED and ratio <= BOARD_LIMIT
    print("ok" if good else f"FAIL  expected {WANTED:,} a second, a board of {BOARD_LIMIT} x")
    return 0 if good else 1


def same_alone(
    folder: Path, like: Teammate, made: str, options: argparse.Namespace
) -> Teammate:
    """Return a checkout that has the same trials as its own, and no store."""
    eve = Teammate(folder / "alone", "eve", like.team)
    eve.clone(like.root)
    with eve.at_work() as workspace:
        workspace.checkout.seal()
    for number in range(options.rounds):
        data = lines(options.trials, number * options.trials)
        with eve.at_work() as workspace:
            own_log(workspace.root, made, f"{mark(eve)}-host-{number}.jsonl", data)
    return eve


def beside(alone: Teammate, member: Teammate) -> float:
    """Return what `status` takes with a store in use, in times of one without."""
    (member.root / ".claude/meta/local/store.stamp").write_text("1\n")
    settled = [(board(alone), board(member)) for _ in range(3)][-1]
    print(f"status: {settled[0] * 1000:.0f} ms alone, {settled[1] * 1000:.0f} ms in a team")
    return settled[1] / settled[0]


def mark(mate: Teammate) -> str:
    """Return the mark in the names of a checkout's logs."""
    from meta_experiment.protocol import log_head

    with mate.at_work() as workspace:
        return log_head.mark(workspace.checkout.seal())


if __name__ == "__main__":
    sys.exit(main())
