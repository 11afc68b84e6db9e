"""What a run whose supervisor was killed has left behind, as far as Linux can tell.

A process is known by its session, by the run's mark in its environment, by its folder (where
it has no terminal and is younger than the run), or by being below such a one. One that drops
all of these is not found; a supervisor that lives finds every one.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from meta_experiment.runs.supervisor import descendants, processes

_SESSION, _TERMINAL, _START = 3, 4, 19  # places in /proc/PID/stat, behind the program's name
_PATIENCE = 5.0  # seconds
_BREATH = 0.005  # seconds


def kill(supervisor: int, start: str, mark: str, directory: Path) -> None:
    """Kill what is left of a run, known by its dead supervisor, its mark and where it ran."""
    if sys.platform != "linux":
        return
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        found = _find(supervisor, int(start), mark.encode(), directory)
        if not found:
            return
        for process in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        time.sleep(_BREATH)


def _find(supervisor: int, start: int, mark: bytes, directory: Path) -> set[int]:
    living = {process: fields for process, fields in processes() if fields[0] not in {"Z", "X"}}
    # a number that is used again stands for somebody else's session
    session = None if supervisor in living else str(supervisor)
    found = {
        process
        for process, fields in living.items()
        if int(fields[_START]) >= start
        and (
            fields[_SESSION] == session
            or mark in _environment(process)
            or (fields[_TERMINAL] == "0" and _folder(process).is_relative_to(directory))
        )
    }
    return (found | set(descendants(list(found)))) & living.keys() - {os.getpid()}


def _environment(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/environ").read_bytes()
    except OSError:
        return b""


def _folder(process: int) -> Path:
    try:
        return Path(f"/proc/{process}/cwd").readlink()
    except OSError:
        return Path()
