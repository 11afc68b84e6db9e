"""Names in the messages about a source: lists that say what they leave out, and commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from meta_experiment.errors import as_word

_DIGITS = re.compile(r"(\d+)")


def listed(names: Iterable[str], most: int = 12) -> str:
    """Write names after one another; of more than so many, how many there are besides."""
    known = list(names)
    rest = len(known) - most
    return ", ".join(map(as_word, known[:most])) + (f" and {rest} more" if rest > 0 else "")


def in_order(names: Iterable[str]) -> list[str]:
    """Sort names so that `iteration-2` comes before `iteration-10`."""
    return sorted(names, key=_parts)


def command(*arguments: str) -> str:
    """Write an import as it can be pasted into a shell."""
    return " ".join(["meta-experiment import", *map(quoted, arguments)])


def quoted(argument: str) -> str:
    """Write an argument as a shell takes it."""
    return shlex.quote(argument)


def _parts(name: str) -> list[tuple[int, int, str]]:
    return [
        (0, int(part), "") if part.isascii() and part.isdigit() else (1, 0, part)
        for part in _DIGITS.split(name)
    ]
