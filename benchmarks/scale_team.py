"""What a team's store on PostgreSQL costs as machines and trials grow, for docs/scale.md.

    python benchmarks/scale_team.py [rows] [machines] [leases] [replicas] [--quick]

`rows`: one machine ships 1,000,000 trials in ten parts and another one pulls them; rows a
second, bytes of tables and indexes a trial. `machines`: an experiment with logs of 10, 100 and
1,000 machines: a pull with nothing new, ten new trials shipped, a connection. `leases`: ranges
of positions and the right to decide, asked for by 16 at once. `replicas`: what a checkout's
`status` takes with the logs of 1,000 machines in each of 100 experiments. The server is
PostgreSQL as the system has it, durable, on the same machine, which does the clients' work too.
Without a name all; `--quick` is a tenth.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import contextlib
import hashlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(REPOSITORY)]

from benchmarks.making import build, environment, names, run_parts  # noqa: E402
from benchmarks.scale import LAUNCHER, blocks, processor_and_memory, row, size  # noqa: E402
from tests.support.postgres import Server  # noqa: E402
from tests.teams.teammates import PROJECT, team_of  # noqa: E402

from meta_experiment.store.exchange import (  # noqa: E402
    Batch,
    Exchange,
    MachineKey,
    PublishedExperiment,
)
from meta_experiment.store.local.outgoing import own_logs  # noqa: E402
from meta_experiment.store.postgres.exchange import open_exchange  # noqa: E402

EXPERIMENT = "exp-2026-01-01-bench"
_TEN = next(blocks(10))
_SIZES = """
    select pg_table_size('meta_experiment.events'), pg_indexes_size('meta_experiment.events'),
           pg_total_relation_size('meta_experiment.batches')
"""


class Team:
    """A project in a database of its own."""

    def __init__(self, server: Server) -> None:
        self._server, self.database = server, server.database()

    def seen_by(self, machine: str) -> Exchange:
        """Return the exchange as a machine sees it."""
        return open_exchange(self._server.url(self.database), PROJECT, machine)

    def sizes(self) -> tuple[int, int, int]:
        """Return the bytes of the lines, of their indexes, and of the batches."""
        ((lines, index, batches),) = self._server.rows(_SIZES, self.database)
        return lines, index, batches


@contextlib.contextmanager
def server() -> Iterator[Server]:
    """Start a durable server, and remove it at the end."""
    made = Server(durable=True)
    try:
        made.run("alter system set shared_buffers = '256MB'")
        made.run("alter system set max_wal_size = '2GB'")
        made.stop()
        made.start()
        yield made
    finally:
        made.remove()


def taken(what: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds and those of this process's processor that something takes."""
    wall, own = time.perf_counter(), time.process_time()
    what()
    return time.perf_counter() - wall, time.process_time() - own


def rows(folder: Path, tenth: int) -> None:
    """Ship trials of one machine, and pull them on another."""
    each = 100_000 // tenth
    row("trials in the store", "shipped a second", "own processor, s", "pulled a second",
        "own processor, s", "lines, B a trial", "index, B", "batches, B")  # fmt: skip
    with server() as running:
        team = Team(running)
        made, (ann, bob) = team_of(folder, "ann", "bob", team=team)
        ann.record(made, ["first"])
        with ann.at_work() as workspace:
            (log,) = own_logs(workspace.layout, workspace.checkout.counting(), made)
        for part in range(10):
            with log.path.open("ab") as stream:
                for block in blocks(each):
                    stream.write(block.replace(b'"trial_id":"', b'"trial_id":"%x' % part))
            ship, own = taken(ann.exchange)
            pull, reading = taken(bob.exchange)
            known = (part + 1) * each
            row(f"{known:,}", f"{each / ship:,.0f}", f"{own:.1f}", f"{each / pull:,.0f}",
                f"{reading:.1f}", *(f"{it / known:.0f}" for it in team.sizes()))  # fmt: skip
    print(
        f"this checkout's replicas: {size(bob.root / '.claude/meta/trials') / known:.0f} B each"
    )


def machine(number: int) -> MachineKey:
    """Return a machine whose key nobody has."""
    key = number.to_bytes(32, "big")
    return MachineKey(hashlib.sha256(key).hexdigest()[:16], key, f"m{number}")


def machines(folder: Path, tenth: int) -> None:
    """Ask for what is new, of more and more machines."""
    del folder
    row("machines", "asked for one plan, ms", "pull, nothing new, ms", "ten trials shipped, ms",
        "connect, ms")  # fmt: skip
    with server() as running:
        team, first = Team(running), 0
        for number in dict.fromkeys((10, 100, 1_000 // tenth)):
            for place in range(first, number):
                _joined(team, machine(place), publishes=not place)
            first = number
            row(f"{number:,}", *(f"{1e3 * it:.1f}" for it in _asked(team, number)))
        (found,) = running.rows(
            "select count(*) from pg_stat_activity where backend_type = 'client backend'"
        )
        print(f"connections that stay open: {found[0] - 1}")


def _joined(team: Team, key: MachineKey, *, publishes: bool) -> None:
    """Let a machine join and ship its first ten trials."""
    with contextlib.closing(team.seen_by(key.machine)) as own:
        own.join(key)
        if publishes:
            own.publish(_published(key.machine), {})
        own.ship([_batch(key.machine, "log.jsonl", 0)])


def _batch(machine: str, log: str, number: int) -> Batch:
    """Return ten trials of a log, after so many such batches."""
    return Batch(EXPERIMENT, machine, log, number * len(_TEN), _TEN, b"s" * 64)


def _asked(team: Team, number: int) -> tuple[float, ...]:
    """Return the seconds of each of what an exchange does for one experiment."""
    keys = [machine(place).machine for place in range(number)]
    cursors = {(key, "log.jsonl"): len(_TEN) for key in keys}
    places = iter(range(1_000))
    with contextlib.closing(team.seen_by(keys[0])) as own:
        plan = _middle(lambda: (own.published(EXPERIMENT), own.sizes(EXPERIMENT)))
        pull = _middle(lambda: list(own.batches_after(EXPERIMENT, keys, cursors)))
        ship = _middle(lambda: own.ship([_batch(keys[0], f"{number}.jsonl", next(places))]))
    return plan, pull, ship, _middle(lambda: _connected(team, keys[0]))


def _connected(team: Team, machine: str) -> None:
    with contextlib.closing(team.seen_by(machine)) as own:
        own.sizes()


def _published(machine: str) -> PublishedExperiment:
    return PublishedExperiment(EXPERIMENT, "0" * 64, b"{}", machine, b"s" * 64)


def _middle(what: Callable[[], object], times: int = 15) -> float:
    return statistics.median(taken(what)[0] for _ in range(times))


def leases(folder: Path, tenth: int) -> None:
    """Ask at once for ranges of positions, and for the right to decide."""
    del folder
    many, at_once = 1_600 // tenth, 16
    with server() as running:
        team = Team(running)
        keys = [machine(number) for number in range(at_once)]
        seen = [team.seen_by(key.machine) for key in keys]
        for own, key in zip(seen, keys, strict=True):
            own.join(key)
        seen[0].publish(_published(keys[0].machine), {})

        def ranges(own: Exchange) -> None:
            for known in range(many // at_once):
                own.lease_positions(EXPERIMENT, 64, known)

        def decides(own: Exchange) -> None:
            for _ in range(many // at_once):
                own.lease_decision(EXPERIMENT, 60)

        row("asked for by 16 at once", "a second")
        with ThreadPoolExecutor(at_once) as threads:
            for name, what in (
                ("ranges of 64 positions", ranges),
                ("the right to decide", decides),
            ):
                start = time.perf_counter()
                list(threads.map(what, seen))
                row(name, f"{many / (time.perf_counter() - start):,.0f}")
        for own in seen:
            own.close()


def replicas(folder: Path, tenth: int) -> None:
    """A checkout that has the logs of all machines."""
    row("machines", "experiments under way", "call", "s", "MB")
    for writers in dict.fromkeys((1, 100, 1_000 // tenth)):
        root = folder / str(writers)
        ids = names(100)
        build(root, ids, 100 * 1_000, writers, running=100)
        at = ["--root", str(root)]
        for call in ("status, for the first time", "status, nothing new"):
            seconds, memory = processor_and_memory([LAUNCHER, "status", *at])
            row(f"{writers:,}", 100, call, f"{seconds:.2f}", f"{memory:.0f}")
        subprocess.run(["rm", "-r", str(root)], env=environment(), check=True)


PARTS: dict[str, Callable[[Path, int], None]] = {
    "rows": rows,
    "machines": machines,
    "leases": leases,
    "replicas": replicas,
}


if __name__ == "__main__":
    sys.exit(run_parts(PARTS, str(__doc__)))
