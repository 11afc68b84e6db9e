"""The first line of a log: by it a checkout knows the logs that it wrote itself.

A commit can bring any log along, or put one in the place of ours. The first line of each log is
this machine's seal on the experiment and the file, in this checkout; a log that does not begin
so counts only where the user admitted its writer. The names of our logs hold a mark that nobody
can guess, so that no commit can take their place.
"""

from __future__ import annotations

import errno
import os

from meta_experiment.protocol.places import local, try_read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from meta_experiment.protocol.seal import Seal

HEAD = b'{"event":"log","seal":"'  # how any first line begins
LENGTH = len(HEAD) + 35  # of a first line, its end included
REGISTRY = "experiments.json"  # the writer of the trials that stand in the registry itself
MACHINE_DIGITS = 16  # of the id of a machine in a team
_ADMITTED = "admitted"
_MARK_DIGITS = 8
_HEX = "0123456789abcdef"
_REPLICA = "team-"  # begins the names of logs that were taken from a team's store
_DRAWN = "assignments"  # begins those of draws
_TRIES = 8  # names of a log, where another's file stands in its place


class NoPlaceError(OSError):
    """Other files stand in the place of all names that a log of ours may have."""

    def __init__(self, folder: str) -> None:
        """Name the folder."""
        super().__init__(errno.EEXIST, "other files stand in the place of our logs", folder)


def head(seal: Seal, experiment_id: str, name: str) -> bytes:
    """Return the first line of a log of this checkout. Raises PermissionError without a key."""
    return HEAD + f'{seal.of(f"log {experiment_id}/{name}", b"")}"}}\n'.encode()


def is_own(start: bytes, expected: bytes) -> bool:
    """Tell by its first bytes whether a log is ours: it begins so, or a crash cut it short."""
    return start.startswith(expected) or expected.startswith(start)


def mark(seal: Seal) -> str:
    """Return the mark of this checkout in the names of its logs."""
    return seal.of("logs", b"")[:_MARK_DIGITS]


def log_names(stem: str, suffix: str) -> Iterator[str]:
    """Yield the names of a log: the first whose place no other file has is taken."""
    yield stem + suffix
    for number in range(2, _TRIES + 1):
        yield f"{stem}-{number}{suffix}"


def replica_stem(seal: Seal) -> str:
    """Return how the names of replicas begin in this checkout: no commit can guess that."""
    return f"{_REPLICA}{seal.of('replicas', b'')[:_MARK_DIGITS]}-"


def replica_name(seal: Seal, machine: str, log: str) -> str:
    """Return how the replica of another machine's log is named here."""
    stem = replica_stem(seal) + machine
    drawn = log.startswith(_DRAWN)
    return f"{_DRAWN}-{stem}{log[len(_DRAWN) :]}" if drawn else f"{stem}-{log}"


def is_replica(name: str) -> bool:
    """Tell whether a log is named as one that another machine wrote."""
    return name.removeprefix(f"{_DRAWN}-").startswith(_REPLICA)


def origin(name: str) -> tuple[str, str]:
    """Return which machine wrote a log, "" for this one, and how it is named there.

    In the order of the second part a log stands in the same place on every machine.
    """
    if not is_replica(name):
        return "", name
    drawn = name.startswith(_DRAWN)
    begin = name.index(_REPLICA) + len(_REPLICA) + _MARK_DIGITS + 1
    machine, rest = name[begin : begin + MACHINE_DIGITS], name[begin + MACHINE_DIGITS :]
    return machine, _DRAWN + rest if drawn else rest[1:]


def live_stem(seal: Seal) -> str:
    """Return how the log of live trials is named on this machine."""
    return f"{mark(seal)}-{host(os.uname()[1])}-live"


def host(machine: str) -> str:
    """Return the name of a machine as it stands in the name of a file."""
    plain = "".join(
        letter if letter.isalnum() and letter.isascii() else "-" for letter in machine
    )
    return plain[:40] or "host"


def writer_of(name: str) -> str:
    """Return who wrote a log, by its name: the mark of a checkout, else all of the name."""
    stem = name.rpartition(".")[0]
    for prefix in ("assignments.", "assignments-"):
        stem = stem.removeprefix(prefix)
    first = stem.partition("-")[0]
    if len(first) == _MARK_DIGITS and not first.strip(_HEX):
        return first
    return name if stem == REGISTRY else stem


def admitted(root: str, seal: Seal) -> dict[str, set[str]]:
    """Return by experiment the writers whom the user admitted here, as far as can be read."""
    data = seal.unwrap(_ADMITTED, try_read(admitted_file(root)) or b"") or b""
    found: dict[str, set[str]] = {}
    for line in data.decode("utf-8", "surrogateescape").split("\n"):
        experiment_id, tab, writer = line.partition("\t")
        if tab:
            found.setdefault(experiment_id, set()).add(writer)
    return found


def admitted_lines(writers: dict[str, set[str]], seal: Seal) -> bytes:
    """Return the file of who is admitted. Raises PermissionError without a key."""
    lines = [
        f"{name}\t{writer}\n" for name in sorted(writers) for writer in sorted(writers[name])
    ]
    return seal.wrap(_ADMITTED, "".join(lines).encode("utf-8", "surrogateescape"))


def admitted_file(root: str) -> str:
    """Return the file of the writers whom the user admitted."""
    return f"{local(root)}/admitted"
