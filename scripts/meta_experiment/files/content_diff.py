"""The difference a change makes, for a person to read; nothing is written to a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Literal

from meta_experiment.files.confine import Content

_TAB = 0x09
_CONTEXT = 3  # lines
_MOST_PAIRS = 1_000_000  # of an old and a new line between the first and the last difference
# what happens, to which lines of old and new
_Part = tuple[Literal["replace", "delete", "insert", "equal"], int, int, int, int]


def unified_diff(path: str, before: Content | None, after: Content | None) -> str:
    r"""Describe a change of one file like `git diff`, safe to print.

    Lines end at LF only, so that a CR shows as `\r`; control characters are escaped and
    bytes that are not UTF-8 appear as `\xNN`. Returns "" when nothing changes.
    """
    if before == after:
        return ""
    name = "".join(_visible(character) for character in path)
    header = _mode_lines(before, after)
    old, new = (content.data if content else b"" for content in (before, after))
    if b"\0" in old + new:
        if old != new:
            header.append(f"Binary files a/{name} and b/{name} differ")
        return "".join(f"{line}\n" for line in [f"diff a/{name} b/{name}", *header])
    lines = _lines(old), _lines(new)
    if lines[0] != lines[1]:
        header.append(f"--- a/{name}" if before else "--- /dev/null")
        header.append(f"+++ b/{name}" if after else "+++ /dev/null")
        header.extend(_hunks(*lines))
    return "".join(f"{line}\n" for line in [f"diff a/{name} b/{name}", *header])


def marked_lines(diff: str) -> Iterator[tuple[str, str]]:
    """Yield each line of one file's difference behind its mark, which is its first character.

    The head, up to the first "@@", has the mark "": only there does `---` name a file, as below
    it a line that goes may begin with dashes itself.
    """
    within = False
    for line in diff.splitlines():
        within = within or line.startswith("@@")
        yield line[:1] if within else "", line


class _Compared(SequenceMatcher[str]):
    """A comparison that has been made, to be shown in groups."""

    def __init__(self, parts: list[_Part]) -> None:
        super().__init__()
        self._parts = parts

    def get_opcodes(self) -> list[_Part]:
        """Return what was found."""
        return self._parts


def _hunks(old: list[str], new: list[str]) -> Iterator[str]:
    """Yield the lines that differ, with some around them, below where they stand."""
    for group in _Compared(_parts(old, new)).get_grouped_opcodes(_CONTEXT):
        (_, old_first, _, new_first, _), (_, _, old_last, _, new_last) = group[0], group[-1]
        yield f"@@ -{_range(old_first, old_last)} +{_range(new_first, new_last)} @@"
        for what, i, i_end, j, j_end in group:
            if what == "equal":
                yield from (f" {line}" for line in old[i:i_end])
            else:
                yield from (f"-{line}" for line in old[i:i_end])
                yield from (f"+{line}" for line in new[j:j_end])


def _parts(old: list[str], new: list[str]) -> list[_Part]:
    """Part two texts into what they share and what differs.

    Comparing takes up to the cube of their lines: a long stretch differs as a whole.
    """
    head = _alike(zip(old, new, strict=False))
    tail = _alike(zip(reversed(old[head:]), reversed(new[head:]), strict=False))
    i, j = len(old) - tail, len(new) - tail
    inner: list[_Part] = [("replace", head, i, head, j)]
    if (i - head) * (j - head) <= _MOST_PAIRS:
        found = SequenceMatcher(None, old[head:i], new[head:j]).get_opcodes()
        inner = [(what, head + a, head + b, head + c, head + d) for what, a, b, c, d in found]
    return [("equal", 0, head, 0, head), *inner, ("equal", i, len(old), j, len(new))]


def _alike(pairs: Iterable[tuple[str, str]]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _range(first: int, last: int) -> str:
    length = last - first
    return f"{first + 1}" if length == 1 else f"{first + bool(length)},{length}"


def _mode_lines(before: Content | None, after: Content | None) -> list[str]:
    if before is None or after is None or before.mode == after.mode:
        return []
    return [f"old mode {before.mode:04o}", f"new mode {after.mode:04o}"]


def _lines(data: bytes) -> list[str]:
    if not data:
        return []
    text = data.decode("utf-8", "backslashreplace")
    lines = ["".join(_visible(character) for character in line) for line in text.split("\n")]
    if lines[-1]:
        lines[-1] += "\n\\ No newline at end of file"
    else:
        lines.pop()
    return lines


def _visible(character: str) -> str:
    if character.isprintable() or ord(character) == _TAB:
        return character
    return character.encode("unicode_escape").decode("ascii")
