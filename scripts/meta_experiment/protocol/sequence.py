"""The files of assignments: whom a variant was drawn for, in order.

After its head (`log_head`) each line is one assigned trial: `count unit variant trial_id
epoch_ms`, separated by tabs, `count` being the number of different units so far, this one
included: there are never more units than lines, and a count that says so is not believed. A
unit that a bandit drew has a sixth field, `parts@known`: the parts of every arm that were in
force, between commas, and on how many closed trials they rest. What was drawn without the
shared sequence stands in files beside it and counts none. Reading needs neither JSON nor
regular expressions, as it lies on the way of every prompt.
"""

from __future__ import annotations

import os

from meta_experiment.protocol.log_head import (
    NoPlaceError,
    admitted,
    head,
    is_own,
    is_replica,
    log_names,
    mark,
    writer_of,
)
from meta_experiment.protocol.places import chunks, refuse_links_to_state, trials
from meta_experiment.protocol.tsv import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from meta_experiment.protocol.seal import Seal

LARGEST = 1 << 30  # bytes; each prompt reads them all, so there is an end to it
WAIT = 0.05  # seconds; a prompt waits for no lock longer than that
LATEST = 250_000_000_000  # seconds; the year 9892. In milliseconds our era lies above it
_SEQUENCE, _APART, _SUFFIX = "assignments.", "assignments-", ".tsv"
_FIELDS = (5, 6)
_DIGITS = 10  # of a count, which fits into 32 bits
_LONGEST = 19  # digits of a time
_LONGEST_LINE = 1 << 20  # bytes; of a longer one, which is none of ours, no more is kept


class SequenceState:
    """State of a file of assignments: of a unit, and in all.

    Attributes:
        path: the file.
        found: count and variant of the unit's first line; None when it has none.
        count: the number of different units so far.
        size: bytes of its whole lines.
        torn: whether a crash left a part of a line behind them.
        strange: whether it does not begin as it should.
    """

    __slots__ = ("count", "found", "path", "size", "strange", "torn")

    def __init__(self, path: str) -> None:
        self.path = path
        self.found: tuple[int, str] | None = None
        self.count = 0
        self.size = 0
        self.torn = False
        self.strange = False


def read_sequence(root: str, experiment_id: str, key: str, seal: Seal) -> SequenceState:
    """Read the sequence of an experiment for a unit (escaped), as `read_known`.

    Raises:
        OSError: it cannot be read, or other files stand in its place.
    """
    folder = trials(root, experiment_id)
    for name in log_names(_SEQUENCE + mark(seal), _SUFFIX):
        known = read_known(f"{folder}/{name}", key, head(seal, experiment_id, name))
        if not known.strange:
            return known
    raise NoPlaceError(folder)


def read_known(path: str, key: str, expected: bytes = b"") -> SequenceState:
    """Read a file of assignments for a unit (escaped); a missing one says nothing.

    One that does not begin as expected is `strange`, and not read on.

    Raises:
        OSError: it cannot be read, or is larger than any of ours.
    """
    known = SequenceState(path)
    lines = done = 0
    rest = b""
    try:
        for chunk in chunks(path, LARGEST):
            data = rest + chunk
            if not done and not is_own(data[: len(expected)], expected):
                known.strange = True
                break
            end = data.rfind(b"\n") + 1
            block, rest = data[:end], data[end : end + _LONGEST_LINE]
            done += len(chunk)
            known.torn = end < len(data)
            if not block:
                continue
            lines += block.count(b"\n")
            known.size = done - len(data) + end
            known.found = known.found or _find(block, key)
            known.count = _last_count(block, lines) or known.count
    except (FileNotFoundError, NotADirectoryError):
        pass
    return known


def apart_names(stem: str) -> Iterator[str]:
    """Yield the names of the file of what a writer drew apart from the sequence."""
    return log_names(_APART + stem, _SUFFIX)


def is_assignment_file(name: str) -> bool:
    """Tell whether a file of an experiment's logs holds assignments."""
    return name.startswith((_SEQUENCE, _APART)) and name.endswith(_SUFFIX)


def is_shared_sequence(name: str) -> bool:
    """Tell whether such a file is the sequence that all processes of a checkout share."""
    return name.startswith(_SEQUENCE)


def storable(at: float) -> float:
    """Return a time as a reader takes it: a clock may stand before 1970, or far ahead."""
    return min(max(at, 0.0), LATEST - 1)


def format_line(
    count: int, key: str, variant: str, trial_id: str, at: float, draw: str = ""
) -> bytes:
    """Return the line of an assignment, its end included; `key` is the escaped unit.

    `draw` says by what a bandit drew it (see `format_draw`).
    """
    fields = [str(count), key, variant, trial_id, str(round(storable(at) * 1000))]
    if draw:
        fields.append(draw)
    return ("\t".join(fields) + "\n").encode("utf-8", "surrogateescape")


def parse_assignment(line: str) -> tuple[int, tuple[str, str, str, float]] | None:
    """Read a line: count, and trial id, variant, unit, seconds; None when it is not one."""
    fields = line.split("\t")
    if len(fields) not in _FIELDS or not all(fields):
        return None
    count, unit, variant, trial_id, milliseconds, *drawn = fields
    if not (_is_whole(count) and len(count) < _DIGITS and _is_whole(milliseconds)):
        return None
    at = int(milliseconds) / 1000
    if at >= LATEST or (drawn and parse_draw(drawn[0]) is None):
        return None
    return int(count), (trial_id, variant, plain(unit), at)


def draw_of(line: str) -> str:
    """Return by what a bandit drew the unit of an assignment's line, "" where none did."""
    return line.rsplit("\t", maxsplit=1)[-1] if line.count("\t") == _FIELDS[-1] - 1 else ""


def format_draw(parts: Sequence[float], known: int) -> str:
    """Return the parts of every arm in force, and on how many closed trials they rest."""
    return f"{','.join(str(int(part)) for part in parts)}@{known}"


def parse_draw(text: str) -> tuple[tuple[int, ...], int] | None:
    """Read the parts of every arm, and on how many closed trials they rest; or None."""
    parts, _, known = text.partition("@")
    words = [*parts.split(","), known]
    if not all(_is_whole(word) and len(word) < _DIGITS for word in words):
        return None
    read = tuple(map(int, words[:-1]))
    return (read, int(known)) if any(read) else None


def place(count: int, line_number: int) -> int:
    """Return the place of a line's unit in the sequence (0, 1, …), -1 when it has none."""
    return count - 1 if count <= line_number else -1


def _last_count(block: bytes, number: int) -> int:
    """Return the last count among whole lines, the last of which has this number.

    Lines that are damaged are passed over; 0 when all of them are.
    """
    end = len(block) - 1
    while end > 0:
        start = block.rfind(b"\n", 0, end) + 1
        count = block[start:end].partition(b"\t")[0]
        if count.isdigit() and len(count) < _DIGITS and int(count) <= number:
            return int(count)
        end, number = start - 1, number - 1
    return 0


def _find(sequence: bytes, key: str) -> tuple[int, str] | None:
    """Return the count and variant of a unit's first line among whole lines."""
    wanted = f"\t{key}\t".encode("utf-8", "surrogateescape")
    found = sequence.find(wanted)
    while found >= 0:
        start = sequence.rfind(b"\n", 0, found) + 1
        line = sequence[start : sequence.find(b"\n", found)]
        # the same text may stand in another column
        if line.find(b"\t") == found - start and (parsed := _parsed(line, key)) is not None:
            return parsed
        found = sequence.find(wanted, found + 1)
    return None


def find_apart(
    root: str, experiment_id: str, key: str, seal: Seal, own: str
) -> tuple[int, str] | None:
    """Return what was drawn for a unit apart from the sequence, whose file is `own`.

    Only files that count are asked: of this checkout, or of an admitted writer; not those of a
    team's other machines, for which no prompt waits. Raises OSError.
    """
    folder = trials(root, experiment_id)
    refuse_links_to_state(folder)
    try:
        names = sorted(filter(is_assignment_file, os.listdir(folder)))
    except (FileNotFoundError, NotADirectoryError):
        return None
    writers: set[str] | None = None
    for name in names:
        path = f"{folder}/{name}"
        if path == own or is_replica(name):
            continue
        if writer_of(name) == mark(seal):
            known = read_known(path, key, head(seal, experiment_id, name))
        else:
            if writers is None:
                writers = admitted(root, seal).get(experiment_id, set())
            if writer_of(name) not in writers:
                continue
            known = read_known(path, key)
        if known.found is not None:
            return known.found
    return None


def _parsed(line: bytes, key: str) -> tuple[int, str] | None:
    """Read the line of a unit; one that is not an assignment to a reader is none here."""
    fields = line.split(b"\t")
    try:
        told = [field.decode() for field in (fields[0], *fields[2:])]
    except UnicodeDecodeError:
        return None
    parsed = parse_assignment("\t".join((told[0], key, *told[1:])))
    return None if parsed is None else (parsed[0], parsed[1][1])


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < _LONGEST
