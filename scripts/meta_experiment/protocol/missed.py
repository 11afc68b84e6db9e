"""Uses of prompts under experiment that were not counted: how many, where, why, since when.

One line each, in a file of the machine's that stays small, as hooks write it, which no sandbox
holds. They decide nothing: commands show them, and what mends it. A line without a reason says
that in its place a use was counted again.
"""

from __future__ import annotations

import os

from meta_experiment.protocol.faults import append_bounded
from meta_experiment.protocol.places import data_folder, missed_file, try_read
from meta_experiment.protocol.sessions import PromptUse, fields_of, line_of

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


def note_missed(root: str, use: PromptUse, why: str, now: float) -> None:
    """Add a use that was not counted; added again it is none more. Raises OSError."""
    fields = (str(int(now * 1000)), root, use.place, use.experiment_id, why, use.prompt_id)
    append_bounded(missed_file(data_folder(os.environ)), line_of(fields) + b"\n")


def note_counted(root: str, use: PromptUse, now: float) -> None:
    """Say that a use was counted in a place where one was missed. Raises OSError."""
    key = (use.experiment_id, use.place)
    if any((item.experiment_id, item.place) == key for item in missed(root)):
        note_missed(root, use, _AGAIN, now)


def missed(root: str) -> list[MissedUses]:
    """Return what was missed in the places of a root, and not counted since."""
    found: dict[tuple[str, str], MissedUses] = {}
    told: set[tuple[str, str, str, bool]] = set()
    for at, use, why in _lines(root):
        key = (use.experiment_id, use.place)
        line = (*key, use.prompt_id, why == _AGAIN)
        if use.prompt_id and line in told:
            continue  # two hooks saw it, or one that was cut off and the next
        told.add(line)
        if why == _AGAIN:
            found.pop(key, None)
        elif key not in found:
            found[key] = MissedUses(use.experiment_id, use.place, why, at)
        else:
            item = found[key]
            item.count, item.last, item.why = item.count + 1, at, why
    return list(found.values())


def _lines(root: str) -> list[tuple[int, PromptUse, str]]:
    data = data_folder(os.environ)
    lines = (try_read(missed_file(data)) or b"").split(b"\n") if data else []
    found = []
    for line in lines:
        at, *rest = fields_of(line)
        if len(rest) in (4, 5) and rest[0] == root and at.isascii() and at.isdigit():
            prompt_id = rest[4] if len(rest) > 4 else ""  # older versions wrote none
            found.append((int(at), PromptUse(prompt_id, rest[2], rest[1]), rest[3]))
    return found
