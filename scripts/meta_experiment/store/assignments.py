"""Drawing variants: one sequence per experiment, shared by all processes.

Each line of `assignments.tsv` is one assigned trial: `count unit variant trial_id epoch_ms`,
separated by tabs, `count` being the number of different units so far, this one included.
Reading it needs neither JSON nor regular expressions, as it lies on the way of every prompt.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from meta_experiment.errors import StorageError, UsageError
from meta_experiment.files.durable import append_lines, make_empty
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.lock import FileLock
from meta_experiment.files.roots import Layout
from meta_experiment.store.events import NAME_LIMIT

WAIT = 0.05  # seconds; a prompt waits for no lock longer than that
_APART = "assignments-"
_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), ("\0", "\\0"))
_FIELDS = 5
_DIGITS = 10  # of a count, which fits into 32 bits


@dataclass(frozen=True, slots=True)
class Assigned:
    """The variant of a unit, and the trial that begins with it.

    `position` is the unit's place in the sequence (0, 1, …), None when it was drawn apart
    from it. `repeated` says that the unit had its variant before.
    """

    unit: str
    variant: str
    trial_id: str
    position: int | None
    repeated: bool


def new_trial_id() -> str:
    """Return an identifier that no other process draws."""
    return os.urandom(8).hex()


def assign(
    layout: Layout,
    files: FileSystem,
    experiment_id: str,
    unit: str,
    draw: Callable[[int], str],
    *,
    at: float,
    new_id: Callable[[], str] = new_trial_id,
    wait: float = WAIT,
) -> Assigned:
    """Give a unit its variant: the one it has, else the one drawn for the next position.

    A unit that was drawn apart from the sequence joins it with the variant it has. The line
    is durable on return.

    Args:
        layout: the places of files.
        files: the disk.
        experiment_id: whose sequence.
        unit: what is randomised.
        draw: gives the variant for a position (0, 1, …) of the sequence.
        at: the time, in seconds since the epoch.
        new_id: draws a trial id.
        wait: the longest wait for the sequence, in seconds.

    Raises:
        LockedError: other processes held the sequence for too long; see `assign_apart`.
        StorageError: the disk refused. UsageError: the unit is empty or too long.
    """
    key = _escaped(unit)
    path = layout.assignments(experiment_id)
    lock = FileLock(layout.lock(f"{experiment_id}.assign"), timeout=wait, verb="assign")
    try:
        with lock:
            if not path.exists() or not path.stat().st_size:
                make_empty(files, path)
            sequence = _whole_lines(files, path)
            known = _find(sequence, key)
            count = _last_count(sequence)
            before = known or _find_apart(path, key)
            position = known[0] - 1 if known else count
            variant = before[1] if before else draw(position)
            drawn = Assigned(unit, variant, new_id(), position, before is not None)
            total = count if known else count + 1
            files.append(path, _line(total, key, drawn, at), durable=False)
        # made durable outside the lock: others need not wait for the disk
        files.sync_file(path)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}.") from error
    return drawn


def assign_apart(
    layout: Layout,
    files: FileSystem,
    experiment_id: str,
    unit: str,
    draw: Callable[[], str],
    *,
    writer: str,
    at: float,
    new_id: Callable[[], str] = new_trial_id,
) -> Assigned:
    """Give a unit its variant without the shared sequence, when its lock cannot be had.

    `draw` must depend on the unit alone (a hash), so that two processes agree. The line goes
    to the writer's own file, where `assign` finds it later.

    Raises:
        StorageError: the disk refused. UsageError: the unit is empty or too long.
    """
    key = _escaped(unit)
    path = layout.assignments(experiment_id)
    try:
        known = _find(_read(path), key)
        before = known or _find_apart(path, key)
        drawn = Assigned(
            unit=unit,
            variant=before[1] if before else draw(),
            trial_id=new_id(),
            position=known[0] - 1 if known else None,
            repeated=before is not None,
        )
        apart = path.with_name(f"{_APART}{writer}.tsv")
        append_lines(files, apart, _line(0, key, drawn, at))
    except OSError as error:
        raise StorageError(f"{path.parent} cannot be written: {error.strerror}.") from error
    return drawn


def parse_assignment(line: str) -> tuple[int, tuple[str, str, str, float]] | None:
    """Read a line: count, and trial id, variant, unit, seconds; None when it is not one."""
    fields = line.split("\t")
    if len(fields) != _FIELDS or not all(fields):
        return None
    count, unit, variant, trial_id, milliseconds = fields
    if not (_is_whole(count) and len(count) < _DIGITS and _is_whole(milliseconds)):
        return None
    return int(count), (trial_id, variant, _plain(unit), int(milliseconds) / 1000)


def is_assignment_file(name: str) -> bool:
    """Tell whether a file of an experiment's logs holds assignments."""
    return name == "assignments.tsv" or (name.startswith(_APART) and name.endswith(".tsv"))


def _line(count: int, key: str, drawn: Assigned, at: float) -> bytes:
    fields = (str(count), key, drawn.variant, drawn.trial_id, str(int(at * 1000)))
    return ("\t".join(fields) + "\n").encode()


def _read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return b""
    return data[: data.rfind(b"\n") + 1]


def _whole_lines(files: FileSystem, path: Path) -> bytes:
    """Return the sequence, cutting off what a crash left of a line; needs the lock."""
    data = _read(path)
    if path.exists() and path.stat().st_size > len(data):
        files.truncate(path, len(data))
    return data


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
    wanted = f"\t{key}\t".encode()
    found = sequence.find(wanted)
    while found >= 0:
        start = sequence.rfind(b"\n", 0, found) + 1
        line = sequence[start : sequence.find(b"\n", found)]
        # the same text may stand in another column
        if line.split(b"\t")[1] == wanted[1:-1] and (parsed := _parsed(line)) is not None:
            count, (_, variant, _, _) = parsed
            return count, variant
        found = sequence.find(wanted, found + 1)
    return None


def _parsed(line: bytes) -> tuple[int, tuple[str, str, str, float]] | None:
    try:
        return parse_assignment(line.decode())
    except UnicodeDecodeError:
        return None


def _find_apart(sequence: Path, key: str) -> tuple[int, str] | None:
    return next(
        (found for path in _apart_files(sequence) if (found := _find(_read(path), key))), None
    )


def _apart_files(sequence: Path) -> list[Path]:
    try:
        entries = sorted(sequence.parent.iterdir())
    except FileNotFoundError:
        return []
    return [path for path in entries if path.name.startswith(_APART) and path.suffix == ".tsv"]


def _escaped(unit: str) -> str:
    try:
        size = len(unit.encode())
    except UnicodeEncodeError as error:
        raise UsageError("The unit is not valid text.") from error
    if not 0 < size <= NAME_LIMIT:
        raise UsageError(f"The unit has {size:,} bytes; expected 1 to {NAME_LIMIT:,}.")
    for plain, escaped in _ESCAPES:
        unit = unit.replace(plain, escaped)
    return unit


def _plain(key: str) -> str:
    if "\\" not in key:
        return key
    spelled = {escaped[1]: plain for plain, escaped in _ESCAPES}
    letters = iter(key)
    return "".join(
        spelled.get(next(letters, ""), "\\") if letter == "\\" else letter for letter in letters
    )


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
