"""What went wrong on the way of a prompt: one short line each, in a file that stays small.

A line tells when, where and what kind of error. It holds no text of the user and nothing of
the environment, which carries a token.
"""

from __future__ import annotations

import os
import time

from meta_experiment.live.places import data_folder, faults_file, refuse_links_to_state

_LIMIT = 65_536  # bytes, after which the older half goes
_LINE_LIMIT = 300  # characters


def note(root: str, where: str, what: str) -> None:
    """Add a line below a root, else in the folder of this machine. Never raises.

    Args:
        root: the root concerned; empty when it is not known.
        where: the part that failed, such as `serve`.
        what: a sentence without a user's text.
    """
    text = f"{int(time.time())}\t{where}\t{what}"
    line = "".join(letter if letter.isprintable() or letter == "\t" else " " for letter in text)
    data = data_folder(os.environ)
    for path in (faults_file(root) if root else "", f"{data}/faults.log" if data else ""):
        try:
            if path:
                _append(path, f"{line[:_LINE_LIMIT]}\n".encode("utf-8", "replace"))
                return
        except OSError:
            continue


def note_error(root: str, where: str, error: Exception, experiment_id: str = "") -> None:
    """Add the line of an error, with the experiment concerned. Never raises."""
    of = f"{experiment_id}: " if experiment_id else ""
    note(root, where, of + describe(error))


def describe(error: BaseException) -> str:
    """Name an error and the place in the code it came from, without its message.

    An error that brings words free of any text of the user (`told`) is described by them.
    """
    told = getattr(error, "told", "")
    if told:
        return str(told)
    kind = type(error).__name__
    if isinstance(error, OSError) and error.errno is not None:
        kind += f" {os.strerror(error.errno)}"
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return kind
    name = os.path.basename(trace.tb_frame.f_code.co_filename)
    return f"{kind} at {name}:{trace.tb_lineno}"


def _append(path: str, line: bytes) -> None:
    refuse_links_to_state(path)
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if size > _LIMIT:
            kept = os.pread(descriptor, _LIMIT // 2, size - _LIMIT // 2).partition(b"\n")[2]
            os.ftruncate(descriptor, 0)
            line = kept + line
        os.write(descriptor, line)
    finally:
        os.close(descriptor)
