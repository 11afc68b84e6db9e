"""Uses of prompts under experiment that were not counted: how many, where, why, since when.

One line each, in a file of the machine's that stays small, as hooks write it, which no sandbox
holds. They decide nothing: commands show them, and what mends it. A line without a reason says
that in its place a use was counted again.
"""

from __future__ import annotations

import os

from meta_experiment.protocol.faults import append_bounded
from meta_experiment.protocol.places import data_folder, missed_file, try_read
from meta_experiment.protocol.sessions import fields_of, line_of

EDITED, ABSENT, UNSERVED = "edited", "absent", "unserved"
UNWRITABLE, UNLISTED = "unwritable", "unlisted"
_AGAIN = ""


class MissedUses:
    """Uses of one experiment's prompt in one place; times in milliseconds since the epoch.

    `place` is the folder, of the root or of a linked working tree, in which the prompt file
    lies. `why` is that of the last: `edited` (another text stands there), `absent` (what
    would serve it does not stand there), `unserved` (all stands there, and nothing came),
    `unwritable` (nothing can be kept in the root) or `unlisted` (the registry of the branch
    does not list the experiment).
    """

    __slots__ = ("count", "experiment_id", "first", "last", "place", "why")

    def __init__(self, experiment_id: str, place: str, why: str, at: int) -> None:
        self.experiment_id = experiment_id
        self.place = place
        self.why = why
        self.count = 1
        self.first = self.last = at


def note_missed(root: str, place: str, experiment_id: str, why: str, now: float) -> None:
    """Add a use that was not counted. Raises OSError."""
    line = line_of((str(int(now * 1000)), root, place, experiment_id, why))
    append_bounded(missed_file(data_folder(os.environ)), line + b"\n")


def note_counted(root: str, place: str, experiment_id: str, now: float) -> None:
    """Say that a use was counted in a place where one was missed. Raises OSError."""
    key = (experiment_id, place)
    if any((item.experiment_id, item.place) == key for item in missed(root)):
        note_missed(root, place, experiment_id, _AGAIN, now)


def missed(root: str) -> list[MissedUses]:
    """Return what was missed in the places of a root, and not counted since."""
    found: dict[tuple[str, str], MissedUses] = {}
    for at, place, experiment_id, why in _lines(root):
        key = (experiment_id, place)
        if why == _AGAIN:
            found.pop(key, None)
        elif key not in found:
            found[key] = MissedUses(experiment_id, place, why, at)
        else:
            item = found[key]
            item.count, item.last, item.why = item.count + 1, at, why
    return list(found.values())


def _lines(root: str) -> list[tuple[int, str, str, str]]:
    data = data_folder(os.environ)
    lines = (try_read(missed_file(data)) or b"").split(b"\n") if data else []
    found = []
    for line in lines:
        at, *rest = fields_of(line)
        if len(rest) == 4 and rest[0] == root and at.isascii() and at.isdigit():
            found.append((int(at), rest[1], rest[2], rest[3]))
    return found
