"""A text in which git left a merge open: what each side has between the marks of a conflict."""

from __future__ import annotations

from meta_experiment.records import dataclass

_OURS, _BASE, _MIDDLE, _END = b"<<<<<<< ", b"||||||| ", b"=======", b">>>>>>> "


@dataclass(frozen=True, slots=True)
class MergeSides:
    """The two sides of a merge, and what both began from, where that is known."""

    ours: bytes
    theirs: bytes
    base: bytes | None


def has_marks(data: bytes) -> bool:
    """Tell whether a text has the marks of a conflict, each at the beginning of a line."""
    lines = b"\n" + data
    return all(b"\n" + mark in lines for mark in (_OURS, _MIDDLE, _END))


def marked_sides(data: bytes) -> MergeSides | None:
    """Take the sides apart; None where the marks are not whole.

    The base is known only where every conflict tells it (`merge.conflictStyle` diff3).
    """
    sides: dict[str, list[bytes]] = {"ours": [], "base": [], "theirs": []}
    at, conflicts, told = "", 0, 0
    for line in data.splitlines(keepends=True):
        if line.startswith(_OURS) and not at:
            at, conflicts = "ours", conflicts + 1
        elif line.startswith(_BASE) and at == "ours":
            at, told = "base", told + 1
        elif line.rstrip() == _MIDDLE and at in ("ours", "base"):
            at = "theirs"
        elif line.startswith(_END) and at == "theirs":
            at = ""
        else:
            for name in (at,) if at else sides:
                sides[name].append(line)
    if at or not conflicts:
        return None
    ours, base, theirs = (b"".join(lines) for lines in sides.values())
    return MergeSides(ours, theirs, base if told == conflicts else None)
