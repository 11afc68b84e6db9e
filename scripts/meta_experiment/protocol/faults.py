"""Faults on the way of a prompt: one short line each, in a file that stays small.

A line tells when, below which root, where and what kind of error. It holds no text of the
user and nothing of the environment, which carries a token. The file is the machine's, which no
commit reaches. What cannot be written there, as in a sandbox, goes into a file of the root,
each line under this machine's seal, and is not read without it.
"""

from __future__ import annotations

import os
import time

from meta_experiment.protocol.disk import PRIVATE_FILE, put
from meta_experiment.protocol.places import (
    data_folder,
    faults_file,
    read_head,
    refuse_links_to_state,
    sealed_faults,
)
from meta_experiment.protocol.seal import seal_of
from meta_experiment.protocol.tsv import escaped, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_LIMIT = 65_536  # bytes, after which the older half goes
_LONGEST = 300  # characters of a sentence
_PATIENCE = 0.5  # seconds for a lock, without which lines are added and none goes
_PURPOSE = "fault"  # of the seals of lines


class Fault:
    """Something that went wrong, at a time in seconds; `root` is empty when it is not known."""

    __slots__ = ("at", "root", "text")

    def __init__(self, at: float, root: str, text: str) -> None:
        self.at = at
        self.root = root
        self.text = text


def note(root: str, where: str, what: str) -> None:
    """Add a line. Never raises.

    Args:
        root: the root concerned; empty when it is not known.
        where: the part that failed, such as `serve`.
        what: a sentence without a user's text.
    """
    sentence = "".join(letter if letter.isprintable() else " " for letter in what)[:_LONGEST]
    fields = (str(int(time.time())), escaped(root), where, sentence)
    line = "\t".join(fields).encode("utf-8", "surrogateescape")
    data = data_folder(os.environ)
    try:
        append_bounded(faults_file(data), line + b"\n")
    except OSError:
        try:
            if root:
                mark = seal_of(root).of(_PURPOSE, line)
                append_bounded(sealed_faults(root), line + f"\t{mark}\n".encode())
        except OSError:
            return  # there is nowhere to tell it


def faults_of(root: str, data: str) -> list[Fault]:
    """Return what is known of a root, by the folder of this machine; of "" what has none."""
    found = [fault for fault in map(_fault, _lines(faults_file(data))) if fault]
    if root:
        found += _sealed(root)
    return [fault for fault in found if fault.root == root]


def _sealed(root: str) -> Iterator[Fault]:
    lines = _lines(sealed_faults(root))
    try:
        seal = seal_of(root) if lines else None
    except OSError:
        return
    for line in lines:
        content, _, mark = line.rpartition(b"\t")
        if seal is not None and seal.fits(mark.decode("ascii", "replace"), _PURPOSE, content):
            fault = _fault(content)
            if fault is not None:
                yield fault


def _lines(path: str) -> list[bytes]:
    try:
        return read_head(path, 2 * _LIMIT).split(b"\n")
    except OSError:
        return []


def _fault(line: bytes) -> Fault | None:
    moment, _, rest = line.decode("utf-8", "surrogateescape").partition("\t")
    root, tab, sentence = rest.partition("\t")
    if not (tab and moment.isascii() and moment.isdigit()):
        return None
    return Fault(float(moment), plain(root), sentence.replace("\t", ": "))


def note_error(root: str, where: str, error: Exception, experiment_id: str = "") -> None:
    """Add the line of an error, with the experiment concerned. Never raises."""
    of = f"{experiment_id}: " if experiment_id else ""
    note(root, where, of + describe(error))


def describe(error: BaseException) -> str:
    """Name an error and the place in the code it came from, without its message.

    An error that brings words free of any text of the user (`sentence`) is described by them.
    """
    sentence = getattr(error, "sentence", "")
    if sentence:
        return str(sentence)
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


def append_bounded(path: str, line: bytes) -> None:
    """Add a line to a file; when it has grown large its older half goes. Raises OSError.

    Under its lock, so that no line of another process goes with that half; and whole, however
    a process ends meanwhile.
    """
    from meta_experiment.protocol.lock import NoLocksError, locked

    refuse_links_to_state(path)
    try:
        held = locked(path, _open_log, within=_PATIENCE)
    except NoLocksError:
        held = None
    descriptor = _open_log(path) if held is None else held
    try:
        size = os.fstat(descriptor).st_size
        if size > _LIMIT and held is not None:
            kept = os.pread(descriptor, _LIMIT // 2, size - _LIMIT // 2).partition(b"\n")[2]
            _replace(path, kept + line)
            return
        torn = size and os.pread(descriptor, 1, size - 1) != b"\n"
        put(descriptor, b"\n" + line if torn else line)
    finally:
        os.close(descriptor)


def _open_log(path: str) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    return os.open(path, flags, PRIVATE_FILE)


def _replace(path: str, data: bytes) -> None:
    temporary = f"{path}.{os.urandom(6).hex()}"
    descriptor = os.open(
        temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE
    )
    try:
        put(descriptor, data)
        os.rename(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise
    finally:
        os.close(descriptor)
