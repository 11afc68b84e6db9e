"""Processes that a test leaves behind, as one that fails does; ended, none tells in another."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import weakref
from collections.abc import Iterator

_begun: list[weakref.ref[subprocess.Popen[bytes]]] = []
_begin = subprocess.Popen.__init__


def watch() -> None:
    """Take note from now on of every process that this one starts."""

    def begin(process, *words, **settings):
        _begin(process, *words, **settings)
        _begun.append(weakref.ref(process))

    subprocess.Popen.__init__ = begin


@contextlib.contextmanager
def none_left() -> Iterator[None]:
    """End what was started within and is still known then; close what it is read by."""
    before = len(_begun)
    try:
        yield
    finally:
        for known in _begun[before:]:
            process = known()
            if process is not None:
                _end(process)
        del _begun[before:]


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getpgid(process.pid) == process.pid:
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):  # what was not sent yet goes nowhere
                pipe.close()
