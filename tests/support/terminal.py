"""Programs on a terminal of their own, and what they draw there."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Sequence

_PATIENCE = 240.0  # seconds
# a shell that leads a session gets the terminal that it opens, and Ctrl-C is heard there
_THERE = 'exec "$@" <>"$0" >&0 2>&0'


def drawn(
    command: Sequence[str], until: Callable[[str], bool] | None = None, columns: int = 80
) -> tuple[str, int]:
    """Run a program on a terminal, press Ctrl-C when it is time; return all and the code."""
    terminal, other = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    shown, end = b"", time.monotonic() + _PATIENCE
    words = ["/bin/sh", "-c", _THERE, os.ttyname(other), *command]
    with subprocess.Popen(words, start_new_session=True) as process:
        try:
            while time.monotonic() < end:
                if until is not None and until(shown.decode("utf-8", "replace")):
                    os.write(terminal, b"\x03")
                    until = None
                if select.select([terminal], [], [], 0.05)[0]:
                    shown += os.read(terminal, 65_536)
                elif process.poll() is not None:  # it has ended, and all is read
                    break
            else:
                process.kill()
        finally:
            os.close(other)  # held until here, or reading would fail before it has begun
            os.close(terminal)
    return shown.decode("utf-8", "replace"), process.returncode
