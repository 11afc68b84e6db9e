"""Supervisor: a small process that holds one program to its limits and ends all that it began.

`supervising` starts it, by the path of this file and with the standard library alone; whoever
started it may die, it carries on. Its orders come on standard input, and without all of them it
does nothing: so nothing runs whose supervisor nobody wrote down. On standard output it says,
in one line, whether the program was started.

On Linux every process that the program began, however far it went, becomes a child of this
one in the end (it is a "child subreaper"), and is killed. Elsewhere only the program's own
process group is.
"""

from __future__ import annotations

import marshal
import os
import select
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

STARTED = "started"
_LOOK = 0.05  # seconds between two looks at the clock and at what was printed
_BREATH = 0.002  # seconds between two rounds of killing
_PATIENCE = 10.0  # seconds in which everything that can be killed has died
_CHILD_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of prctl(2)
_STOPPING = (signal.SIGTERM, signal.SIGINT)
# what this process, or Python, treats otherwise than a program may expect
_DEFAULTS = (*_STOPPING, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGQUIT)


def main() -> int:
    """Do as ordered on standard input."""
    try:
        orders = marshal.load(sys.stdin.buffer)  # noqa: S302 - from who started this process
    except (EOFError, ValueError, TypeError):
        return 1  # who began to give them has died
    _supervise(orders, _Signals())
    return 0


class _Signals:
    """A child's end and a wish to stop, either of which ends a pause."""

    def __init__(self) -> None:
        self.stop_wanted = False
        self._woken, wake = os.pipe()
        for end in (self._woken, wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        for number in _STOPPING:
            signal.signal(number, self._stop)

    def _stop(self, *_: object) -> None:
        self.stop_wanted = True

    def pause(self, seconds: float) -> None:
        """Wait so long, or until a signal comes."""
        select.select([self._woken], [], [], seconds)
        with suppress(BlockingIOError):
            os.read(self._woken, 4096)


def _supervise(orders: Mapping[str, Any], signals: _Signals) -> None:
    complete = _become_subreaper()
    began = time.monotonic()
    try:
        program = _start(orders)
    except OSError as error:
        _write_ending(orders, "null", None)
        _report(error.strerror or "no reason given")
        return
    _report(STARTED)
    code, reason = _wait(program, orders, began, signals)
    seconds = time.monotonic() - began
    if complete:
        _kill_descendants(signals)
    else:
        _signal_group(program, signal.SIGKILL)
    if _printed(orders) > orders["output_limit"]:
        reason = reason or "flooded"
        for path in _outputs(orders):
            _cut(path, orders["output_limit"])
    _write_ending(orders, f"{code}", seconds, reason)


def _start(orders: Mapping[str, Any]) -> int:
    """Start the program in a group of its own, in a session without a terminal."""
    os.chdir(orders["directory"])
    output = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    files = [(os.POSIX_SPAWN_OPEN, 0, orders["stdin"], os.O_RDONLY, 0)] + [
        (os.POSIX_SPAWN_OPEN, number, path, output, 0o600)
        for number, path in enumerate(_outputs(orders), 1)
    ]
    return os.posix_spawn(
        orders["program"],
        orders["command"],
        orders["environment"],
        file_actions=files,
        setpgroup=0,
        setsigmask=(),
        setsigdef=_DEFAULTS,
    )


def _wait(
    program: int, orders: Mapping[str, Any], began: float, signals: _Signals
) -> tuple[int, str]:
    """Wait for the program, end it when it goes too far: its exit code, and what it overdid."""
    reason, last = "", began + orders["within"]
    while (code := _reap(program)) is None:
        now = time.monotonic()
        if _printed(orders) > orders["output_limit"]:
            reason = reason or "flooded"
            _signal_group(program, signal.SIGKILL)
        elif reason and now >= last:
            _signal_group(program, signal.SIGKILL)
        elif not reason and (signals.stop_wanted or now >= last):
            reason = "stopped" if signals.stop_wanted else "timed_out"
            _ask(program, orders["fenced"])
            last = now + orders["grace"]
        signals.pause(max(0.0, min(_LOOK, last - time.monotonic())) or _LOOK)
    return code, reason


def _reap(program: int) -> int | None:
    """Take leave of all children that have died; the program's exit code if it is one."""
    code = None
    with suppress(ChildProcessError):
        while True:
            child, status = os.waitpid(-1, os.WNOHANG)
            if not child:
                break
            if child == program:
                code = os.waitstatus_to_exitcode(status)
    return code


def _ask(program: int, fenced: bool) -> None:
    """Ask a program and its group to end; a fence would end it all at once."""
    if not fenced:
        _signal_group(program, signal.SIGTERM)
        return
    for process, fields in processes():
        if int(fields[2]) == program != process:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGTERM)


def _signal_group(program: int, number: signal.Signals) -> None:
    try:
        os.killpg(program, number)
    except (ProcessLookupError, PermissionError):  # it left its group
        with suppress(ProcessLookupError, PermissionError):
            os.kill(program, number)


def _kill_descendants(signals: _Signals) -> None:
    """Kill until no child is left: those of what has died become children of this process."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        for process in descendants([os.getpid()]):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        signals.pause(_BREATH)
        _reap(0)


def descendants(roots: list[int]) -> list[int]:
    """Return all processes below some, as they are at this moment."""
    children: dict[int, list[int]] = {}
    for process, fields in processes():
        children.setdefault(int(fields[1]), []).append(process)
    found, waiting = [], list(roots)
    while waiting:
        below = children.pop(waiting.pop(), [])
        found += below
        waiting += below
    return found


def processes() -> Iterator[tuple[int, list[str]]]:
    """Yield each process with its line in /proc from its state on: parent, group, session."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as stream:
                    yield int(name), stream.read().rpartition(")")[2].split()
            except OSError:  # it has just ended
                continue


def _become_subreaper() -> bool:
    """Tell the kernel to hand over whose parent died; False where it cannot."""
    if sys.platform != "linux":
        return False
    try:
        import ctypes

        return bool(ctypes.CDLL(None).prctl(_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):
        return False


def _outputs(orders: Mapping[str, Any]) -> list[str]:
    return [os.path.join(orders["folder"], name) for name in ("stdout", "stderr")]


def _printed(orders: Mapping[str, Any]) -> int:
    """Return how many bytes the program has printed."""
    size = 0
    for path in _outputs(orders):
        with suppress(FileNotFoundError):
            size += os.stat(path).st_size
    return size


def _cut(path: str, size: int) -> None:
    """Give back the space of what was printed beyond the limit, which nobody reads."""
    with suppress(OSError):
        if os.stat(path).st_size > size:
            os.truncate(path, size)


def _report(line: str) -> None:
    """Say whether the program was started, and let go of whoever asked."""
    with suppress(OSError):  # nobody listens any more
        os.write(1, line.encode())
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)


def _write_ending(
    orders: Mapping[str, Any], code: str, seconds: float | None, reason: str = ""
) -> None:
    """Write how it ended, whole or not at all, and durable."""
    marks = ", ".join(
        f'"{name}": {str(name == reason).lower()}'
        for name in ("timed_out", "flooded", "stopped")
    )
    told = "null" if seconds is None else f"{seconds!r}"
    path = os.path.join(orders["folder"], "ending.json")
    with open(f"{path}.part", "w", encoding="ascii") as stream:
        stream.write(f'{{"code": {code}, "seconds": {told}, {marks}}}\n')
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(f"{path}.part", path)
    folder = os.open(orders["folder"], os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


if __name__ == "__main__":
    sys.exit(main())
