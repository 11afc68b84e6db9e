"""A verb run apart: in a session of its own, never in anybody's turn."""

from __future__ import annotations

import fcntl
import os
import stat

from meta_experiment.protocol.disk import open_private

_NOWHERE = "/dev/null"
_LOG_LIMIT = 65_536  # bytes, after which the log begins anew
_KEPT = "CLAUDE_CONFIG_DIR"  # all else that the client adds holds for its own children


def run_apart(root: str, verb: list[str], log: str, program: tuple[str, ...] = ()) -> None:
    """Run a verb in a session of its own, without the streams or the tokens of the client.

    The `program` is the launcher of the plugin around this file, or other words that start it.
    Raises OSError.
    """
    words = [*(program or ("/bin/sh", _launcher())), *verb, "--root", root]
    environment = {
        name: value
        for name, value in os.environ.items()
        if name == _KEPT or not name.startswith("CLAUDE")
    }
    if os.fork():
        return
    try:
        os.setsid()
        output = _log(log)
        nothing = os.open(_NOWHERE, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir("/")
        os.execve(words[0], words, environment)  # noqa: S606 - no user text in the words
    finally:
        os._exit(127)


def claimed(stamp: str, now: float, every: float) -> bool:
    """Take the turn for a run apart; one of several that would start at once gets it.

    Raises OSError, also where another takes its turn just now.
    """
    descriptor = open_private(stamp, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        status = os.fstat(descriptor)
        if status.st_size and 0 <= now - status.st_mtime < every:
            return False
        os.pwrite(descriptor, b"1\n", 0)
        os.utime(descriptor, (now, now))
    finally:
        os.close(descriptor)
    return True


def _launcher() -> str:
    here = os.path.realpath(__file__)
    for _ in range(4):
        here = os.path.dirname(here)
    return here + "/bin/meta-experiment"


def _log(path: str) -> int:
    """Open the log; what stands in its place and is none gets nothing, and nobody waits."""
    try:
        output = open_private(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        status = os.fstat(output)
        if stat.S_ISREG(status.st_mode):
            if status.st_size > _LOG_LIMIT:
                os.ftruncate(output, 0)
            return output
        os.close(output)
    except OSError:
        pass
    return os.open(_NOWHERE, os.O_WRONLY)
