"""Dask as the executor: attempts are tasks of its workers, which see the folder of the runs.

Without a scheduler's address a cluster of processes on this machine is made for the time of the
runs, reached by certificates that are as short-lived. Only what is asked for now is handed out,
so that the order is the runner's, whatever Dask would rather do first.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from shutil import rmtree
from typing import Any

from meta_experiment import __version__
from meta_experiment.errors import (
    DependencyError,
    MetaExperimentError,
    RefusedError,
    UsageError,
)
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.installed import install_hint
from meta_experiment.files.interruption import held
from meta_experiment.runs.crew import Outcome
from meta_experiment.runs.executors import Employment, TeamWork
from meta_experiment.runs.executors.elsewhere import (
    OF_TERMINALS,
    Errand,
    attempted,
    deafness,
    here,
    sight,
    unmade,
)
from meta_experiment.types.runs import Contest, Failure, FailureKind, RunCell

_BRIEF = 0.2  # seconds, after which a signal is heard at the latest
_TO_CONNECT = "15s"
_FOR_WORKERS = 60.0  # seconds
_TO_STOP = 30.0  # seconds for what is under way, before it is left to itself
_SETTINGS = {
    "distributed.scheduler.http.routes": [],  # nobody looks at pages, and some could steer
    "distributed.worker.http.routes": [],
    "distributed.comm.timeouts.connect": _TO_CONNECT,
    "distributed.worker.memory.terminate": False,
    "distributed.worker.memory.pause": False,
}


class DaskTeam:
    """Attempts as tasks, each in a slot of its own."""

    def __init__(
        self,
        errand: Errand,
        client: Any,  # noqa: ANN401
        closing: ExitStack,
        *,
        fenced: bool,
    ) -> None:
        """Hold back until the first `begin`; `closing` ends what was made for this team."""
        self._errand, self._client, self._closing = errand, client, closing
        self._running: dict[RunCell | Contest, Any] = {}
        self._ended: SimpleQueue[RunCell | Contest] = SimpleQueue()
        self._number = 0
        self.fenced = fenced

    def begin(self, cell: RunCell | Contest, slot: int) -> None:
        """Hand out an attempt at a cell, or a contest."""
        self._number += 1
        errand = self._errand.of_case(cell.case_id)
        future = self._client.submit(
            attempted,
            errand,
            cell,
            slot,
            key=f"{self._errand.stop.name}-{self._number}",
            pure=False,
        )
        self._running[cell] = future
        future.add_done_callback(lambda _: self._ended.put(cell))

    def next(self) -> list[Outcome]:
        """Wait for at least one attempt to end, and return those that did.

        What is wrong with a worker, or what an attempt raises, is raised here.
        """
        while self._running:
            with suppress(Empty):
                return [self._taken(self._ended.get(timeout=_BRIEF))]
            self._require_scheduler()
        return []

    @held()
    def close(self) -> None:
        """Stop what is under way, wait for it as long as a worker can be heard, and leave."""
        stop = self._errand.stop
        if self._running:
            stop.touch(mode=0o600)
            self._wait_for_the_end()
        if not self._running:
            stop.unlink(missing_ok=True)
        self._running.clear()
        self._closing.close()

    def _wait_for_the_end(self) -> None:
        for _ in range(int(_TO_STOP / _BRIEF)):
            with suppress(Empty):
                self._running.pop(self._ended.get(timeout=_BRIEF))
            if not self._running or self._client.status != "running":
                return

    def _taken(self, cell: RunCell | Contest) -> Outcome:
        future = self._running.pop(cell)
        if future.status == "finished":
            outcome: Outcome = future.result()
            return outcome
        error = None if future.cancelled() else future.exception()
        if isinstance(error, MetaExperimentError):
            raise error
        if error is not None and type(error).__name__ != "KilledWorker":
            raise error
        return unmade(cell, Failure(FailureKind.MACHINE, "its worker was lost"))

    def _require_scheduler(self) -> None:
        if self._client.status not in ("running", "connecting"):
            raise DependencyError(
                "The scheduler of Dask cannot be reached any more.",
                hint="Start it, then run this again: what has ended is not run twice.",
            )


def hire(employment: Employment, work: TeamWork, *, fenced: bool) -> DaskTeam:
    """Connect to a scheduler, or make a cluster, whose workers can make these runs.

    Raises:
        UsageError: the agent is none that a worker could start.
        DependencyError: Dask is not installed, or no scheduler or worker can be reached.
        RefusedError: a worker does not see the folders, or has another version.
    """
    del fenced  # each worker has a fence of its own, or none
    dask, distributed = _dask()
    if employment.agent is None:
        raise UsageError("Dask's workers start an agent by its name; expected --agent.")
    folder, token = work.place.folder, os.urandom(8).hex()
    for old in folder.glob("stop-*"):  # whom it was to stop was not heard of any more
        old.unlink()
    for name in ("distributed", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    errand = Errand(
        work.place,
        employment.agent,
        employment.judge,
        folder / f"stop-{token}",
        here(),
    )
    with ExitStack() as stack:
        stack.enter_context(dask.config.set(_SETTINGS))
        try:
            client = _client(distributed, employment, work, stack)
            client.wait_for_workers(1, timeout=_FOR_WORKERS)
        except (OSError, TimeoutError, ValueError) as error:
            raise DependencyError(
                f"Dask's {employment.scheduler or 'workers'} cannot be reached: {error}.",
                hint="dask scheduler starts one, dask worker ADDRESS its workers.",
            ) from error
        fenced = _all_fenced(client, work, folder / f"token-{token}")
        return DaskTeam(errand, client, stack.pop_all(), fenced=fenced)


def _client(
    distributed: Any,  # noqa: ANN401
    employment: Employment,
    work: TeamWork,
    stack: ExitStack,
) -> Any:  # noqa: ANN401
    if employment.scheduler:
        return stack.enter_context(
            distributed.Client(employment.scheduler, timeout=_TO_CONNECT)
        )
    own = work.place.folder / "dask"
    stack.callback(rmtree, own, ignore_errors=True)
    try:
        security = distributed.Security.temporary()  # or all on this machine could steer it
    except ImportError as error:
        raise _missing("cryptography") from error
    with _deaf():
        cluster = distributed.LocalCluster(
            n_workers=work.at_once,
            threads_per_worker=1,
            processes=True,
            protocol="tls://",
            security=security,
            dashboard_address="127.0.0.1:0",
            memory_limit=0,
            local_directory=str(own),
            silence_logs="CRITICAL",
        )
        stack.enter_context(cluster)
        client = stack.enter_context(distributed.Client(cluster, security=security))
    client.register_plugin(deafness(distributed.WorkerPlugin))
    return client


@contextmanager
def _deaf() -> Iterator[None]:
    """Let what is begun within hear neither Ctrl-C nor a terminal that goes: we end it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, OF_TERMINALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _all_fenced(client: Any, work: TeamWork, token: Path) -> bool:  # noqa: ANN401
    """Tell whether all workers have a fence.

    Raises:
        RefusedError: one cannot make these runs.
    """
    said = os.urandom(16)
    FileSystem().create(token, said)
    try:
        seen = client.run(sight, work.place.of_none(), token, said)
    finally:
        token.unlink()
    for address, found in seen.items():
        if found.version != __version__:
            raise RefusedError(
                f"The worker {address} has meta-experiment {found.version}, this is "
                f"{__version__}.",
                hint="Install the same version for every worker.",
            )
        if not found.sees:
            raise RefusedError(
                f"The worker {address} does not see {token.parent}, where the runs lie, and "
                f"{work.place.root}.",
                hint="Give workers the same folders at the same paths (XDG_DATA_HOME names "
                "that of the runs), or part the runs: meta-experiment runs matrix --help",
            )
    return all(found.fenced for found in seen.values())


def _dask() -> tuple[Any, Any]:
    try:
        import dask
        import distributed
    except ImportError as error:
        raise _missing(error.name or "dask") from error
    return dask, distributed


def _missing(package: str) -> DependencyError:
    return DependencyError(
        f"--executor dask needs the package {package}.",
        hint=install_hint("dask"),
    )
