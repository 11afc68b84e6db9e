"""Placebo: the text of a prompt file made as long as another by words that say nothing.

What it differs by from the text itself is what length alone does.
"""

from __future__ import annotations

from itertools import cycle

from meta_experiment.prompts.frontmatter import cut

_LINES = (
    "What follows here is filler and has no meaning for any task.",
    "These words take up room, and that is all that they do.",
    "They describe nothing, ask for nothing and refer to nothing.",
    "Whatever was said above is neither changed nor added to by them.",
    "Another line of the same kind stands here for its length alone.",
)


def placebo_of(text: bytes, like: bytes) -> bytes:
    """Return a prompt file whose body has as many characters as another's, and says no more.

    The head is its own, and so is the body's beginning; one that is as long or longer already
    is returned as it is.
    """
    head, body = cut(text)
    own, other = (item.decode("utf-8", "replace") for item in (body, cut(like)[1]))
    return head + body + _filler(len(other) - len(own), after=own).encode()


def _filler(length: int, *, after: str) -> str:
    """Return so many characters that go on behind a text, ending as a line does."""
    if length < 1:
        return ""
    ahead = "\n" if after.endswith("\n") else "\n\n"
    room = length - len(ahead) - 1
    if room < 1:
        return "\n" * length
    return f"{ahead}{_words(room)}\n"


def _words(length: int) -> str:
    """Return so many characters of whole words; dots stand for a last one that has no room."""
    lines, have = [], -1
    for line in cycle(_LINES):
        if have >= length:
            break
        lines.append(line)
        have += len(line) + 1
    text = "\n".join(lines)
    cut_off, rest = text[:length], text[length:]
    if not rest or rest[0].isspace():
        return cut_off
    whole = max(cut_off.rfind(" "), cut_off.rfind("\n")) + 1
    return cut_off[:whole] + "." * (length - whole)
