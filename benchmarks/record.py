"""How many durable trials a second 8 processes record, beside what the disk itself allows.

    python benchmarks/record.py [--processes 8] [--seconds 5]

Each process appends and syncs in a loop: bare (a line of the same length into a file of its
own, by `write` and `fsync` alone), one trial a call through the library, and a hundred trials
a call, as `record --stdin` does. The three are measured one after another, twice.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Barrier

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(REPOSITORY)]

from benchmarks.making import EXPERIMENT, registry  # noqa: E402

WANTED = 2_000  # a second
BATCH = 100


def bare(root: Path, until: float) -> int:
    """Append and sync lines by the system's calls alone."""
    line = b"x" * 163 + b"\n"
    descriptor = os.open(root / f"bare-{os.getpid()}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    done = 0
    while time.monotonic() < until:
        os.write(descriptor, line)
        os.fsync(descriptor)
        done += 1
    os.close(descriptor)
    return done


def one_by_one(root: Path, until: float) -> int:
    """Record one trial a call."""
    return _record(root, until, 1)


def batches(root: Path, until: float) -> int:
    """Record a hundred trials a call."""
    return _record(root, until, BATCH)


def _record(root: Path, until: float, size: int) -> int:
    from meta_experiment.files.roots import Layout
    from meta_experiment.services.recording import recording
    from meta_experiment.services.workspace import Workspace

    workspace = Workspace.open(Layout(root), time.time)
    document: dict[str, Any] = {
        "experiment": EXPERIMENT,
        "variant": "control",
        "metrics": {"duration_seconds": 41.523, "output_tokens": 1830},
    }
    done = 0
    while time.monotonic() < until:
        done += recording.record(workspace, [document] * size).recorded
    return done


def rate(
    work: Callable[[Path, float], int], root: Path, processes: int, seconds: float
) -> float:
    """Return how many a second all processes did together."""
    context = get_context("spawn")
    barrier, counts = context.Barrier(processes), context.Queue()
    given = (work, root, seconds, barrier, counts)
    workers = [context.Process(target=_together, args=given) for _ in range(processes)]
    for worker in workers:
        worker.start()
    done: int = sum(counts.get() for _ in workers)
    for worker in workers:
        worker.join()
    return done / seconds


def _together(
    work: Callable[[Path, float], int],
    root: Path,
    seconds: float,
    barrier: Barrier,
    counts: Queue[int],
) -> None:
    work(root, 0)  # imports
    barrier.wait()
    counts.put(work(root, time.monotonic() + seconds))


def main() -> int:
    """Print the figures; exit 1 when the disk allows the wanted rate and we miss it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=5)
    given = parser.parse_args()
    best: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="meta-bench-", dir=REPOSITORY.parent) as folder:
        root = Path(folder)
        registry(root, [EXPERIMENT])
        for _ in range(2):
            for work in (bare, one_by_one, batches):
                found = rate(work, root, given.processes, given.seconds)
                best[work.__name__] = max(found, best.get(work.__name__, 0.0))
    print(f"{given.processes} processes, {given.seconds:g} s each, the better of two")
    print(f"bare write and fsync        {best['bare']:12,.0f} a second")
    print(
        f"record, one trial a call    {best['one_by_one']:12,.0f} a second"
        f"   x {best['one_by_one'] / best['bare']:.2f}"
    )
    print(
        f"record, a hundred a call    {best['batches']:12,.0f} a second   (wanted {WANTED:,})"
    )
    missed = best["bare"] >= WANTED and max(best["one_by_one"], best["batches"]) < WANTED
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
