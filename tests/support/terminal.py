"""Programs on a terminal of their own, and what they draw there."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Sequence

_PATIENCE = 240.0  # seconds


def drawn(
    command: Sequence[str], until: Callable[[str], bool] | None = None, columns: int = 80
) -> tuple[str, int]:
    """Run a program on a terminal, press Ctrl-C when it is time; return all and the code."""
    child, terminal = pty.fork()
    if not child:
        os.execv(command[0], command)  # noqa: S606 - the words of a test
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    shown, end = b"", time.monotonic() + _PATIENCE
    try:
        while time.monotonic() < end:
            if until is not None and until(shown.decode("utf-8", "replace")):
                os.write(terminal, b"\x03")
                until = None
            if not select.select([terminal], [], [], 0.1)[0]:
                continue
            try:
                data = os.read(terminal, 65_536)
            except OSError:  # it has ended
                break
            if not data:
                break
            shown += data
    finally:
        if time.monotonic() >= end:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        os.close(terminal)
    return shown.decode("utf-8", "replace"), os.waitstatus_to_exitcode(status)
