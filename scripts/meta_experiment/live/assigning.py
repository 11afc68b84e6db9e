"""Drawing the variant of an exposure, in the files and form of `store.assignments`.

The look for an open trial, the line of the sequence and the new trial happen under one lock:
two agents that load the same skill at the same time are one exposure. Nothing waits for the
disk here. Should the machine fail, the session fails with it, and its trials were not over.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time

from meta_experiment.live.index import sequence_arm
from meta_experiment.live.places import lock, read_bytes, trials
from meta_experiment.live.sessions import (
    OpenTrial,
    append_prompt,
    escaped,
    read_trial,
    remove_trial,
    write_trial,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from meta_experiment.live.index import Entry
    from meta_experiment.live.sessions import Turn

WAIT = 0.05  # seconds; a prompt waits for no lock longer than that
_PAUSE = 0.002
_APART = "assignments-live.tsv"
_PRIVATE_FILE = 0o600
_DIGITS = 10  # of a count


class Drawn:
    """The variant to serve, and its open trial; none when nothing is logged."""

    __slots__ = ("trial", "variant")

    def __init__(self, variant: str, trial: OpenTrial | None) -> None:
        self.variant = variant
        self.trial = trial


def expose(root: str, entry: Entry, session: str, turn: Turn | None, now: float) -> Drawn:
    """Draw the variant for an invocation and open its trial, if it has none yet.

    Args:
        root: the root of the experiment.
        entry: the running experiment.
        session: the client's session.
        turn: the prompt, where a hook told it; otherwise each call is one of its own.
        now: seconds since the epoch.

    Raises:
        OSError: the disk refused; then no trial is open. ValueError: the session has no name.
    """
    prompt = turn.prompt_id if turn and turn.prompt_id else f"call-{os.urandom(8).hex()}"
    unit = {"session": session, "user": entry.user}.get(entry.unit) or prompt
    if not _takes_part(entry, unit):
        return Drawn(entry.control, None)
    trial = OpenTrial(
        experiment_id=entry.id,
        trial_id=os.urandom(8).hex(),
        variant="",
        unit=unit,
        prompt_id=prompt,
        transcript_path=turn.transcript if turn else "",
        epoch_ms=int(now * 1000),
        sha=entry.sha,
        plugin=entry.plugin,
    )
    held = _locked(lock(root, f"{entry.id}.assign"))
    try:
        opened = _open_in_sequence if held is not None else _open_apart
        return opened(root, entry, session, trial)
    finally:
        if held is not None:
            os.close(held)


def _open_in_sequence(root: str, entry: Entry, session: str, trial: OpenTrial) -> Drawn:
    known = read_trial(root, session, entry.id, trial.prompt_id)
    if known is not None:
        return Drawn(known.variant, known)
    path = f"{trials(root, entry.id)}/assignments.tsv"
    whole = read_bytes(path)
    sequence = whole[: whole.rfind(b"\n") + 1]
    key = escaped(trial.unit)
    count = _last_count(sequence)
    before = _find(sequence, key)
    if before:
        position, variant = before[0] - 1, before[1]
    else:
        apart = _find_apart(root, entry.id, key)
        position, variant = count, apart or _drawn(entry, trial.unit, count)
    trial.variant = _checked(variant, entry)
    total = count if before else position + 1
    _append(path, _line(total, key, trial), len(sequence), torn=len(whole) > len(sequence))
    return _opened(root, session, trial)


def _open_apart(root: str, entry: Entry, session: str, trial: OpenTrial) -> Drawn:
    """Open a trial without the shared sequence, when its lock cannot be had."""
    key = escaped(trial.unit)
    folder = trials(root, entry.id)
    before = _find(read_bytes(f"{folder}/assignments.tsv"), key)
    variant = before[1] if before else _find_apart(root, entry.id, key)
    if not variant:
        from meta_experiment.assign.arms import hashed_arm

        variant = entry.arms[hashed_arm(entry.weights, entry.seed, trial.unit)]
    trial.variant = _checked(variant, entry)
    drawn = _opened(root, session, trial)
    if drawn.trial is trial:
        try:
            _append(f"{folder}/{_APART}", _line(0, key, trial))
        except OSError:
            remove_trial(root, session, trial)
            raise
    return drawn


def _takes_part(entry: Entry, unit: str) -> bool:
    if entry.traffic >= 1:
        return True
    from meta_experiment.assign.arms import takes_part

    return takes_part(entry.traffic, entry.seed, unit)


def _drawn(entry: Entry, unit: str, position: int) -> str:
    """Return the arm for a position: from the index, which spares loading the draw."""
    ahead = sequence_arm(entry.sequence, position)
    if ahead is not None:
        return entry.arms[ahead]
    from meta_experiment.assign.arms import arm_index

    return entry.arms[arm_index(entry.method, entry.weights, entry.seed, unit, position)]


def _checked(variant: str, entry: Entry) -> str:
    if variant not in entry.arms:
        raise ValueError("the sequence names a variant that the experiment does not have")
    return variant


def _opened(root: str, session: str, trial: OpenTrial) -> Drawn:
    if not write_trial(root, session, trial):
        known = read_trial(root, session, trial.experiment_id, trial.prompt_id)
        if known is not None:
            return Drawn(known.variant, known)
    append_prompt(root, session, trial.prompt_id, trial.epoch_ms)
    return Drawn(trial.variant, trial)


def _locked(path: str) -> int | None:
    """Return the open file that carries the lock; None when it cannot be had in time."""
    deadline = time.monotonic() + WAIT
    while True:
        descriptor = _open(path, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(descriptor), os.lstat(path)):
                return descriptor
        except (BlockingIOError, FileNotFoundError):
            pass
        except OSError:
            os.close(descriptor)
            return None  # a file system without locks
        os.close(descriptor)
        if time.monotonic() >= deadline:
            return None
        time.sleep(_PAUSE)


def _append(path: str, line: bytes, size: int = 0, *, torn: bool = False) -> None:
    """Add a line, first cutting off what a crash left of one; all of it or nothing."""
    descriptor = _open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        if torn:
            os.ftruncate(descriptor, size)
        written = os.write(descriptor, line)
        if written < len(line):
            os.ftruncate(descriptor, os.fstat(descriptor).st_size - written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(descriptor)


def _open(path: str, flags: int) -> int:
    flags |= os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(path, flags, _PRIVATE_FILE)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        return os.open(path, flags, _PRIVATE_FILE)


def _line(count: int, key: str, trial: OpenTrial) -> bytes:
    fields = (str(count), key, trial.variant, trial.trial_id, str(trial.epoch_ms))
    return ("\t".join(fields) + "\n").encode("utf-8", "surrogateescape")


def _last_count(sequence: bytes) -> int:
    """Return the number of units so far, passing over lines that are damaged."""
    end = len(sequence) - 1
    while end > 0:
        start = sequence.rfind(b"\n", 0, end) + 1
        count = sequence[start:end].partition(b"\t")[0]
        if count.isdigit() and len(count) < _DIGITS:
            return int(count)
        end = start - 1
    return 0


def _find(sequence: bytes, key: str) -> tuple[int, str] | None:
    """Return the count and variant of a unit's first line."""
    wanted = f"\t{key}\t".encode("utf-8", "surrogateescape")
    found = sequence.find(wanted)
    while found >= 0:
        start = sequence.rfind(b"\n", 0, found) + 1
        end = sequence.find(b"\n", found)
        fields = sequence[start : end if end >= 0 else start].split(b"\t")
        # the same text may stand in another column
        if len(fields) == 5 and start + len(fields[0]) == found and _is_count(fields[0]):
            return int(fields[0]), fields[2].decode("utf-8", "replace")
        found = sequence.find(wanted, found + 1)
    return None


def _is_count(field: bytes) -> bool:
    return field.isdigit() and len(field) < _DIGITS


def _find_apart(root: str, experiment_id: str, key: str) -> str | None:
    folder = trials(root, experiment_id)
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        if name.startswith("assignments-") and name.endswith(".tsv"):
            found = _find(read_bytes(f"{folder}/{name}"), key)
            if found:
                return found[1]
    return None
