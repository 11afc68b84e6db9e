"""Programs run to their end, in time, with what they print; all that they began ends with them.

The modules that start programs are loaded with the first one: most commands start none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from meta_experiment.files.interruption import held, held_back
from meta_experiment.records import dataclass

if TYPE_CHECKING:
    from subprocess import Popen

_LOOK = 0.05  # seconds
_GRACE = 2.0  # seconds between asking a program to end and ending it


@dataclass(frozen=True, slots=True)
class ProgramResult:
    """End of a program's run; a negative code is the signal that ended it."""

    code: int
    output: bytes
    errors: bytes


def run(
    command: Sequence[str],
    *,
    within: float,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    inherited: tuple[int, ...] = (),
) -> ProgramResult:
    """Run a program in a session of its own; `inherited` are open files that it shares.

    Raises:
        OSError: it cannot be started.
        TimeoutError: it did not end `within` so many seconds, and was stopped.
    """
    import subprocess

    # Files, not pipes: a daemon that is left behind would hold a pipe open.
    with _nameless() as source, _nameless() as output, _nameless() as errors:
        source.write(stdin)

        def ended() -> int:
            source.seek(0)
            process: Popen[bytes] | None = None
            try:
                with held():  # a signal must not come between the program and its name here
                    process = subprocess.Popen(
                        command,
                        cwd=directory,
                        env=environment,
                        stdin=source,
                        stdout=output,
                        stderr=errors,
                        pass_fds=inherited,
                        start_new_session=True,
                    )
                return _wait(process, within)
            except BaseException:
                _end(process)
                raise

        before, code = held_back(), ended()
        if code < 0 and not before and -code == held_back():
            # a signal to all of a group meets a program before it has a session of its own
            code = ended()
        return ProgramResult(code, _read(output), _read(errors))


def _nameless() -> IO[bytes]:
    """Open an empty file without a name: in memory where the system can, which is cheaper."""
    import os

    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("of a program"), "w+b")
    from tempfile import TemporaryFile

    return TemporaryFile()


def _wait(process: Popen[bytes], within: float) -> int:
    """Wait for the end; a signal is heeded between two looks, in one it could leave a lock."""
    from subprocess import TimeoutExpired
    from time import monotonic

    until = monotonic() + within
    while True:  # looked at once at least, however late this comes to it
        left = max(0.0, until - monotonic())
        with held(), suppress(TimeoutExpired):
            return process.wait(min(_LOOK, left))
        if not left:
            raise TimeoutError(f"no end within {within:g} seconds")


@held()
def _end(process: Popen[bytes] | None) -> None:
    """End a program and all of its group. Asked first, it can clear up, such as lock files."""
    if process is None:
        return
    import os
    import signal
    from subprocess import TimeoutExpired

    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(TimeoutExpired):
        process.wait(_GRACE)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _read(stream: IO[bytes]) -> bytes:
    stream.seek(0)
    return stream.read()
