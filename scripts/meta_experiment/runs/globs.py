"""Patterns of paths: which paths one covers, and whether two can cover the same one.

`*` and `?` stand for characters of one name, `**` and `...` for any number of folders; all
else stands for itself. A path without `*` and `?` in its last name covers what lies below it as
well, since it may be a folder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from enum import Enum, auto
from functools import lru_cache
from typing import TypeVar, cast

_LONGEST = 1_000  # characters
_ALTERNATIVES = re.compile(r"\{[^{}/]*,[^{}/]*\}")
_DRIVE = re.compile(r"[A-Za-z]:")


class _Wild(Enum):
    MANY = auto()  # any number of them, none among it
    ONE = auto()


_Name = str | tuple[str | _Wild, ...]  # a text stands for itself
_Pattern = tuple[_Name | _Wild, ...]
Item = TypeVar("Item", bound=object)


def fault(pattern: str) -> str:
    """Return why a text is no pattern of paths below a folder; "" when it is one."""
    if not pattern or len(pattern) > _LONGEST:
        return f"is empty or longer than {_LONGEST:,} characters"
    if pattern.startswith("/") or _DRIVE.match(pattern):
        return "is absolute; expected a path relative to the project"
    if "\\" in pattern or not pattern.isprintable():
        return "holds a backslash or a control character"
    parts = pattern.removesuffix("/").split("/")
    if not all(parts) or not {".", ".."}.isdisjoint(parts):
        return "has an empty, '.' or '..' component"
    if _ALTERNATIVES.search(pattern):
        return "lists alternatives in braces, which are not expanded; write one pattern each"
    return ""


def has_wildcard(pattern: str) -> bool:
    """Tell whether a pattern covers more than one path and what lies below it."""
    return any(mark in pattern for mark in "*?") or "..." in pattern.split("/")


def covers(pattern: str, path: str) -> bool:
    """Tell whether a pattern covers a path, whose characters all stand for themselves."""
    return _meet(_parsed(pattern), tuple(path.split("/")), _names_meet)


def overlap(left: Iterable[str], right: Iterable[str]) -> bool:
    """Tell whether a pattern of the one list can cover a path that one of the other does."""
    others = tuple(right)
    return any(_overlap(mine, other) for mine in left for other in others)


@lru_cache(maxsize=100_000)  # many cases name the same few places
def _overlap(left: str, right: str) -> bool:
    return _meet(_parsed(left), _parsed(right), _names_meet)


@lru_cache(maxsize=10_000)
def _parsed(pattern: str) -> _Pattern:
    parts = pattern.removesuffix("/").split("/")
    names: _Pattern = tuple(map(_name, parts))
    return names if any(mark in parts[-1] for mark in "*?") else (*names, _Wild.MANY)


def _name(part: str) -> _Name | _Wild:
    if part in ("**", "..."):
        return _Wild.MANY
    return tuple(map(_mark, part)) if any(mark in part for mark in "*?") else part


def _mark(character: str) -> str | _Wild:
    return {"*": _Wild.MANY, "?": _Wild.ONE}.get(character, character)


def _names_meet(left: _Name | _Wild, right: _Name | _Wild) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    return _meet(cast("_Name", left), cast("_Name", right), _characters_meet)


def _characters_meet(left: str | _Wild, right: str | _Wild) -> bool:
    return left == right or _Wild.ONE in (left, right)


def _meet(
    left: Sequence[Item], right: Sequence[Item], alike: Callable[[Item, Item], bool]
) -> bool:
    """Tell whether two sequences with wildcards can stand for the same one.

    Dynamic programming over their beginnings: `row[j]` says whether so much of the left can
    be the same as `right[:j]`. Time is the product of their lengths.
    """
    row = [True]
    for item in right:
        row.append(row[-1] and item is _Wild.MANY)
    for mine in left:
        before, row = row, [row[0] and mine is _Wild.MANY]
        for place, other in enumerate(right):
            if mine is _Wild.MANY or other is _Wild.MANY:
                row.append(row[place] or before[place + 1])
            else:
                row.append(before[place] and alike(mine, other))
        if not any(row):
            return False
    return row[-1]
