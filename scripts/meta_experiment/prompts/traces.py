"""Traces of a stand-in in a text that was made of it, and the text freed of them.

A stand-in is its original with some pieces exchanged: rules are added to the head, and injected
lines stand where the texts were. So an edit beside these pieces, by a hand or a formatter, is
an edit of the original. git's filter does the same in a shell (`deploy/filter`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from meta_experiment.prompts.frontmatter import cut
from meta_experiment.records import dataclass

_LF, _CRLF, _BOTH = "lf", "crlf", "both"
_LINE = re.compile(rb"!`serve-variant [^`]*`")
_MARKS = (re.compile(rb"!`serve-variant [^ `]+"), re.compile(rb"Bash\(serve-variant:\*\)"))


@dataclass(frozen=True, slots=True)
class Traces:
    """Pieces in a stand-in that are ours.

    `pieces` are the parts of it, each with the user's own text that it stands for; any of the
    `marks` in a text tells that some of it is ours. `ends` is how its lines end.
    """

    pieces: tuple[tuple[bytes, bytes], ...]
    marks: tuple[bytes, ...]
    ends: str

    @classmethod
    def between(cls, stand_in: bytes, original: bytes, texts: Sequence[bytes]) -> Traces:
        """Compare a stand-in with its original; `texts` are what its lines serve, in order."""
        (head, body), (plain, _) = cut(stand_in), cut(original)
        pieces = (*_exchanged(head, plain), *zip(_LINE.findall(body), texts, strict=False))
        found = (mark.search(stand_in) for mark in _MARKS)
        marks = tuple(mark[0] for mark in found if mark and mark[0] not in original)
        traces = cls(pieces, marks, _ends(stand_in))
        whole = traces.without_stand_in(stand_in) == original
        return traces if whole else replace(traces, pieces=((stand_in, original),))

    def without_stand_in(self, text: bytes) -> bytes | None:
        """Return a text without what is ours; None when that was edited, and cannot be told.

        Line ends may all have been changed from one kind to the other.
        """
        if not any(mark in text for mark in self.marks):
            return text
        ends = _ends(text)
        for pair in self.pieces:
            ours, users = pair if ends == self.ends else (_with(ends, item) for item in pair)
            if text.count(ours) > 1:
                return None
            text = text.replace(ours, users)
        return None if any(mark in text for mark in self.marks) else text


NO_TRACES = Traces((), (), _LF)


def _ends(text: bytes) -> str:
    lines, returns = text.count(b"\n"), text.count(b"\r\n")
    return _LF if not returns else _CRLF if returns == lines else _BOTH


def _with(ends: str, piece: bytes) -> bytes:
    """Return a piece with other line ends; in a text that has both they stay as they are."""
    if ends == _BOTH:
        return piece
    plain = piece.replace(b"\r\n", b"\n")
    return plain.replace(b"\n", b"\r\n") if ends == _CRLF else plain


def _exchanged(ours: bytes, users: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield what was put into a head, each with what it replaced."""
    new, old = ours.splitlines(keepends=True), users.splitlines(keepends=True)
    for kind, i, j, k, m in SequenceMatcher(None, new, old, autojunk=False).get_opcodes():
        if kind != "equal":
            yield _narrowed(b"".join(new[i:j]), b"".join(old[k:m]))


def _narrowed(ours: bytes, users: bytes) -> tuple[bytes, bytes]:
    """Leave out what two texts have in common at both ends."""
    shorter = min(len(ours), len(users))
    start = next((n for n in range(shorter) if ours[n] != users[n]), shorter)
    most = shorter - start
    end = next((n for n in range(most) if ours[-1 - n] != users[-1 - n]), most)
    return ours[start : len(ours) - end], users[start : len(users) - end]
