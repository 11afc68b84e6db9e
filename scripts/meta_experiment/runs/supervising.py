"""Programs under a supervisor each: held to limits, and all that they began ends with them.

A supervisor (`supervisor`) outlives whoever launched it. Its folder says who it is, what the
program prints and, when everything is over, how it ended; so whoever comes next can adopt it.
"""

from __future__ import annotations

import marshal
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meta_experiment.errors import (
    ConflictError,
    DependencyError,
    NotFoundError,
    StorageError,
    cite,
)
from meta_experiment.files import process
from meta_experiment.files.durable import ensure_directory
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.interruption import held
from meta_experiment.files.programs import find_program
from meta_experiment.protocol.processes import place_of_numbers, start_of
from meta_experiment.records import dataclass
from meta_experiment.runs import leftovers
from meta_experiment.runs.supervisor import STARTED

if TYPE_CHECKING:
    from subprocess import Popen

MARK = (
    "META_EXPERIMENT_RUN"  # variable that all processes of a run inherit, unless they drop it
)
_IDENTITY = "supervisor.json"
_ENDING = "ending.json"
_LOG = "supervisor.log"
_GRACE = 5.0  # seconds between asking a program to end and ending it
_PATIENCE = 15.0  # seconds for a program to end that was asked to, and all it began
_LOOK = 0.01  # seconds between the first two looks for an ending, each time twice as long
_LONGEST_LOOK = 0.1  # up to this: many wait for long at once
_LOOK_FOR_LOST = 1.0  # seconds between two looks for supervisors that died
# what a Python may need in order to start at all; the user's secrets are not for its children
_PLAIN = {"LC_ALL": "C", "TZ": "UTC"}  # a time reads the same whoever asks
_STARTING = ("PATH", "LD_", "DYLD_")

_children: list[Popen[bytes]] = []  # supervisors of this process, so that none stays a zombie


@dataclass(frozen=True, slots=True)
class Launch:
    """A program to be run, and its limits.

    `stdin` is a file. What it prints goes to the files `stdout` and `stderr` of `folder`, which
    no other launch has used. It is stopped `within` so many seconds, or when it has printed
    more than `output_limit` bytes. `environment` is all of it, but for `MARK`. One that is
    `fenced` is a fence with the program within, which alone is asked to end.
    """

    command: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str]
    stdin: Path
    folder: Path
    within: float
    output_limit: int
    fenced: bool = False


@dataclass(frozen=True, slots=True)
class ProgramEnding:
    """How a program ended, it and all that it had begun.

    `code` is its exit code, negative the signal that ended it, None where it is lost: the
    supervisor died, or the program could not be started. `seconds` is its wall time, nan where
    it is lost. The rest says why it was ended, if it was: out of time, too much printed, asked.
    """

    code: int | None
    seconds: float
    timed_out: bool = False
    flooded: bool = False
    stopped: bool = False

    @property
    def lost(self) -> bool:
        """Whether nobody knows how it ended."""
        return self.code is None


_LOST = ProgramEnding(None, math.nan)


@held()
def launch(order: Launch) -> None:
    """Start a program under a supervisor, whose identity is durable on return.

    Raises:
        DependencyError: the program is missing, or cannot be started.
        NotFoundError: its directory or standard input is missing.
        ConflictError: the folder was used before.
        StorageError: the folder cannot be written.
    """
    import subprocess

    program = _program_of(order)
    mark = os.urandom(8).hex()
    try:
        ensure_directory(FileSystem(), order.folder)
        with (order.folder / _LOG).open("ab") as log:
            supervisor = subprocess.Popen(
                [sys.executable, "-I", "-S", str(Path(__file__).with_name("supervisor.py"))],
                cwd="/",
                env={k: v for k, v in os.environ.items() if k.startswith(_STARTING)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
    except OSError as error:
        raise StorageError(f"{order.folder}: {error.strerror}.") from error
    _children.append(supervisor)
    assert supervisor.stdin is not None  # noqa: S101 - for the type checker
    assert supervisor.stdout is not None  # noqa: S101
    with supervisor.stdout:
        with suppress(BrokenPipeError), supervisor.stdin:
            _write_identity(order, supervisor.pid, mark)
            supervisor.stdin.write(_orders(order, program, mark))
        told = supervisor.stdout.read().decode("utf-8", "replace")
    if told != STARTED:
        supervisor.wait()
        raise DependencyError(
            f"{cite(order.command[0])} cannot be started: {told or 'its supervisor died'}.",
            hint=f"Run it by hand in {order.directory}; see also {order.folder / _LOG}",
        )


def run(order: Launch, unwanted: Callable[[], bool] = lambda: False) -> ProgramEnding:
    """Run a program under a supervisor till it ends or is unwanted. Raises as `launch`."""
    launch(order)
    try:
        while not (found := ended([order.folder], _LOOK_FOR_LOST)):
            if unwanted():
                stop(order.folder)
    except BaseException:
        stop(order.folder)
        raise
    return found[order.folder]


def ended(folders: Iterable[Path], within: float) -> dict[Path, ProgramEnding]:
    """Wait until one of these launches or more are over; empty when so many seconds are."""
    watched, end, thorough = list(folders), time.monotonic() + within, 0.0
    pause = _LOOK
    while True:
        now = time.monotonic()
        for_lost = now >= thorough
        thorough = now + _LOOK_FOR_LOST if for_lost else thorough
        endings = {
            folder: ending(folder) if for_lost else _written(folder) for folder in watched
        }
        over = {folder: found for folder, found in endings.items() if found is not None}
        if over or now >= end:
            return over
        time.sleep(min(pause, max(0.0, end - now)))
        pause = min(2 * pause, _LONGEST_LOOK)


def ending(folder: Path) -> ProgramEnding | None:
    """Return how a launch ended, None while it runs.

    Where its supervisor died, what can be found of its processes is killed. Where nothing was
    ever launched it is lost as well.
    """
    _children[:] = [child for child in _children if child.poll() is None]
    identity = _identity(folder)
    if identity is not None and _is_alive(identity):
        return _written(folder)
    found = _written(folder)  # looked for last, as it is what a supervisor does last
    if found is None and identity is not None and identity["place"] == place_of_numbers():
        leftovers.kill(
            identity["pid"], identity["start"], identity["mark"], Path(identity["directory"])
        )
    return found or _LOST


def stop(folder: Path) -> None:
    """Ask for the end of a launch and of all that it began; one that is over is left alone."""
    identity = _identity(folder)
    if identity is not None and _is_alive(identity):
        with suppress(ProcessLookupError):
            os.kill(identity["pid"], signal.SIGTERM)


def shortcoming(system: str) -> str | None:
    """Say what of a run may outlive it on a system, by its name; None where all is ended."""
    if system == "linux":
        return None
    return (
        f"On this system ({system}) a run's programs are ended as a group: one that left "
        "its group, as a daemon does, goes on, and so does a run whose supervisor is killed."
    )


def end(folder: Path) -> None:
    """End a launch and all that it began, and see it over; one that hangs is given up."""
    stop(folder)
    ended([folder], _PATIENCE)


def _program_of(order: Launch) -> str:
    """Return where the program is, all that it needs being there."""
    name = order.command[0]
    path = str(order.directory.absolute() / name) if "/" in name else name
    if not order.directory.is_dir():
        raise NotFoundError(f"There is no folder {order.directory} to run {cite(name)} in.")
    if not order.stdin.is_file():
        raise NotFoundError(f"There is no file {order.stdin} for {cite(name)} to read.")
    program = find_program(path, order.environment)
    if program is None:
        raise DependencyError(
            f"There is no program {cite(name)} on the PATH of the run.",
            hint="Install it, or name it by its full path.",
        )
    return program


def _orders(order: Launch, program: str, mark: str) -> bytes:
    return marshal.dumps(
        {
            "program": program,
            "command": order.command,
            "directory": str(order.directory.absolute()),
            "environment": {**order.environment, MARK: mark},
            "stdin": str(order.stdin.absolute()),
            "folder": str(order.folder.absolute()),
            "within": order.within,
            "grace": _GRACE,
            "output_limit": order.output_limit,
            "fenced": order.fenced,
        }
    )


def _write_identity(order: Launch, pid: int, mark: str) -> None:
    import json

    identity = {
        "pid": pid,
        "start": _start(pid),
        "place": place_of_numbers(),
        "mark": mark,
        "directory": str(order.directory.resolve()),
    }
    files, path = FileSystem(), order.folder / _IDENTITY
    try:
        files.create(path, json.dumps(identity).encode())
        files.sync_directory(order.folder)
    except FileExistsError:
        raise ConflictError(f"{order.folder} holds another launch already.") from None
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}.") from error


def _identity(folder: Path) -> Mapping[str, Any] | None:
    """Return who the supervisor is; None where it was not written down, so that nothing ran."""
    return _read(folder / _IDENTITY)


def _written(folder: Path) -> ProgramEnding | None:
    """Return the ending that the supervisor wrote."""
    found = _read(folder / _ENDING)
    if found is None:
        return None
    seconds = found.pop("seconds")
    return ProgramEnding(seconds=math.nan if seconds is None else seconds, **found)


def _read(path: Path) -> dict[str, Any] | None:
    import json

    try:
        found = json.loads(FileSystem().read(path))
    except FileNotFoundError:
        return None
    except ValueError:  # a crash of the machine left it half written
        return None
    return found if isinstance(found, dict) else None


def _is_alive(identity: Mapping[str, Any]) -> bool:
    """Tell whether the supervisor runs: with the same start, the number is still its own."""
    here = identity["place"] == place_of_numbers()
    return here and bool(identity["start"]) and _start(identity["pid"]) == identity["start"]


def _start(pid: int) -> str:
    """Return when a process began; empty where there is none."""
    if place_of_numbers():
        return start_of(str(pid))
    command = ("/bin/ps", "-o", "state=,lstart=", "-p", str(pid))
    asked = process.run(command, within=10, environment=_PLAIN)
    state, _, start = asked.output.decode().strip().partition(" ")
    return "" if state.startswith("Z") else start.strip()
