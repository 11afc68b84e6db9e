"""An attempt in another process, perhaps on another machine, that sees the same folders.

Whoever hands it out may do so twice: where its worker is lost, or only seems to be, it comes to
another one. A lock on the cell lets one of them make it at a time, and what has ended is handed
over and not made again. What goes on after its worker was killed is taken over on the same
machine, and given up from another.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from meta_experiment import __version__
from meta_experiment.assign.uniform import sha256
from meta_experiment.errors import DependencyError
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.lock import FileLock
from meta_experiment.files.platform import machine
from meta_experiment.git import Git
from meta_experiment.protocol.processes import place_of_numbers
from meta_experiment.records import dataclass
from meta_experiment.runs.agents.named_agent import NamedAgent
from meta_experiment.runs.asking import identity
from meta_experiment.runs.attempts import Bench
from meta_experiment.runs.base import Base
from meta_experiment.runs.checkouts import Slots
from meta_experiment.runs.fence import Fence
from meta_experiment.runs.run_folder import RunFolder
from meta_experiment.runs.stopping import StopFile
from meta_experiment.runs.workplace import Workplace, made
from meta_experiment.types import TrialStatus
from meta_experiment.types.runs import (
    AgentReport,
    CellOutcome,
    Contest,
    ContestOutcome,
    Failure,
    FailureKind,
    RunCell,
    Spent,
)

OF_TERMINALS = frozenset({signal.SIGINT, signal.SIGHUP})
_A_LOOK = 0.5  # seconds between two looks at whether to stop
_DIGITS = 16
_STOPPED = Failure(FailureKind.OURS, "it was stopped")


def here() -> str:
    """Return what tells this machine, since it was started, from every other."""
    return f"{machine()} {place_of_numbers()}"


@dataclass(frozen=True, slots=True)
class Errand:
    """An attempt that is sent to a worker: whose it is, and how to know that it is to stop.

    `host` is the machine of whoever sends it, whose slots are the runner's own.
    """

    place: Workplace
    agent: NamedAgent
    judge: NamedAgent | None
    stop: Path
    host: str
    version: str = __version__

    def of_case(self, case_id: str) -> Errand:
        """Return it for the runs of one case."""
        return replace(self, place=self.place.of_case(case_id))


@dataclass(frozen=True, slots=True)
class WorkerSight:
    """What a worker sees: its version, whether the folders are there, if it has a fence."""

    version: str
    sees: bool
    fenced: bool


def sight(place: Workplace, token: Path, said: bytes) -> WorkerSight:
    """Say what is seen from here of what a runner has written into its folder."""
    try:
        sees = token.read_bytes() == said and place.root.is_dir()
    except OSError:
        sees = False
    git = Git.find(place.root) if sees else None
    around = place.fence(git) if git else Fence()
    return WorkerSight(__version__, sees, fenced=bool(around.program))


def attempted(
    errand: Errand, cell: RunCell | Contest, slot: int
) -> CellOutcome | ContestOutcome:
    """Make an attempt here, unless another worker has made it.

    Raises:
        DependencyError: this worker cannot make any.
    """
    if errand.version != __version__:
        raise DependencyError(
            f"A worker on {machine()} has meta-experiment {__version__}, the runner "
            f"{errand.version}.",
            hint="Install the same version for every worker.",
        )
    signal.pthread_sigmask(signal.SIG_UNBLOCK, OF_TERMINALS)  # its agents are to hear them
    bench = _bench(errand)
    with _alone(bench.folder, cell, errand.stop) as alone:
        if not alone:
            return unmade(cell, _STOPPED)
        return _known(bench, cell) or made(bench, cell, slot, StopFile(errand.stop))


def deafness(plugin: type) -> object:
    """Return a plugin by which a worker of Dask, but none of its agents, is deaf to Ctrl-C."""

    def setup(self: object, worker: object) -> None:
        del self, worker
        for number in OF_TERMINALS:
            signal.signal(number, _pass)

    return type("Deafness", (plugin,), {"setup": setup})()


def _pass(*_: object) -> None:
    """Do nothing; unlike a signal that is ignored, one that is handled so is not inherited."""


def unmade(cell: RunCell | Contest, why: Failure) -> CellOutcome | ContestOutcome:
    """Return what comes of an attempt of which nothing is known but why it failed."""
    if isinstance(cell, Contest):
        return ContestOutcome(cell, (), "", spent=Spent(cut=True), failure=why)
    report = AgentReport(TrialStatus.INTERRUPTED, "", {}, Spent(cut=True), failure=why)
    return CellOutcome(cell, report, (), started=0.0, ended=0.0)


@contextmanager
def _alone(folder: RunFolder, cell: RunCell | Contest, stop: Path) -> Iterator[bool]:
    """Wait to be the only one who makes a cell; False where all is to stop before."""
    kind = "cell" if isinstance(cell, RunCell) else "contest"
    lock = FileLock(folder.folder / "claims" / f"{kind} {cell.name}", verb="run")
    stopping = StopFile(stop)
    alone = not stopping.is_set() and lock.try_acquire(0)
    while not (alone or stopping.is_set()):
        alone = lock.try_acquire(_A_LOOK)
    try:
        yield alone
    finally:
        lock.release()


def _known(bench: Bench, cell: RunCell | Contest) -> CellOutcome | ContestOutcome | None:
    """Return what became of a cell, where its worker was lost before it could say so."""
    if isinstance(cell, RunCell):
        return bench.folder.ended(cell, bench.cases[cell.case_id].sha256)
    found = bench.folder.contest(cell)
    if found is None or bench.judge is None or found.judge != identity(bench.judge):
        return None
    runs = [
        bench.folder.outcome(RunCell(cell.case_id, cell.repeat, name)) for name in bench.arms
    ]
    return found if found.began == tuple(run.started for run in runs if run) else None


def _bench(errand: Errand) -> Bench:
    place = errand.place
    folder = RunFolder(place.folder, FileSystem(), _own_slots(errand.host))
    slots, around = _surroundings(place.root, place.data, place.base, folder.slots)
    agent = errand.agent.agent(os.environ)
    judge = errand.judge.judge(os.environ) if errand.judge else None
    return place.bench(folder, slots, around, (agent, judge), time.time)


def _own_slots(host: str) -> str:
    """Return the name of this machine's slots; the runner's machine has none."""
    if host == here():
        return ""
    return f"at-{str(sha256(here().encode()).hexdigest())[:_DIGITS]}"


@lru_cache(maxsize=4)
def _surroundings(root: Path, data: Path, base: Base, slots: Path) -> tuple[Slots, Fence]:
    """Return the checkouts and the fence of this machine, found once.

    Raises:
        DependencyError: git is missing.
    """
    git = Git.find(root)
    if git is None:
        raise DependencyError(
            f"git is not installed on {machine()}, where a worker is to make runs.",
            hint="Make git available on the PATH of every worker.",
        )
    place = Workplace(root, data, slots, base, {}, {}, ())
    around = place.fence(git)
    return Slots(git, base, slots, root.name, around), around
