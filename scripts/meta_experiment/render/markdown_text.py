"""Words in Markdown, of which none can be a mark: in this one place.

A word is written as it is where nothing in it means anything to a reader of Markdown, and as
code where something might. Within code nothing is a mark, whatever GitHub still thinks of: no
HTML, no link, no picture, no person who is called, no issue that is linked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from meta_experiment.render.words import printable

_PLAIN = frozenset(".,;:!?'\"()[]%/+-−–—=←→·…“”‘’×≤≥°▲▼◆■●✓✗�\u202f\u00a0")
_ALONE = frozenset(("<", ">", "&", "≠"))  # between spaces they are signs of comparison
_MONEY = re.compile(r"[−+(]?\$\d[\d,.]*[),.;:]*")
_MEANT = re.compile(
    r"://|\bwww\.|:[\w+-]+:"  # an address, an emoji
    r"|\b(?=[a-f]*\d)[0-9a-f]{7,40}\b|\bGH-\d|\bGHSA-|\bCVE-",  # a commit, an issue, a warning
    re.IGNORECASE,
)
_FIRST = re.compile(r"[-+=>]+|\d{1,9}[.)]")  # a list, a heading or a quote, where a line begins
_BEFORE, _AFTER = "([“\"'", ")]”\"',.;:!?"
_BRACKETS = str.maketrans({"[": r"\[", "]": r"\]"})
_BACKTICKS = re.compile("`+")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff]")
_ISOLATED = "&#x2068;{}&#x2069;"  # what is read from right to left moves nothing beside it


def inline(text: str) -> str:
    """Write a text on one line, so that nothing in it is a mark."""
    words = _flat(text).split(" ")
    return " ".join(
        _isolated(word, _word(word, begins=not place)) for place, word in enumerate(words)
    )


def code(text: str) -> str:
    """Write a text as code, in a fence that nothing in it ends."""
    inner = _flat(text)
    longest = max(map(len, _BACKTICKS.findall(inner)), default=0)
    fence = "`" * (longest + 1)
    room = " " if inner[:1] in " `" or inner[-1:] in " `" else ""
    return f"{fence}{room}{inner}{room}{fence}" if inner else ""


def html(text: str) -> str:
    """Write a text for the one line of HTML that folds a part: no mark is read there."""
    words = ((word, _entities(word)) for word in _flat(text).split(" "))
    return " ".join(
        written if _is_plain(word) else f"<code>{written}</code>" for word, written in words
    )


def _flat(text: str) -> str:
    return printable(re.sub(r"[\t\n\r\v\f]+", " ", text))


def _isolated(word: str, written: str) -> str:
    return _ISOLATED.format(written) if _RIGHT_TO_LEFT.search(word) else written


def _word(word: str, *, begins: bool) -> str:
    if _is_plain(word) and not (begins and _FIRST.fullmatch(word)):
        return word.translate(_BRACKETS)
    if "|" in word:  # it ends a cell of a table, within code as well
        return "&#124;".join(_word(part, begins=False) for part in word.split("|"))
    return "".join(_parted(word))


def _parted(word: str) -> Iterator[str]:
    """Yield a word as code, its punctuation around it where that is plain."""
    inner = word.lstrip(_BEFORE)
    before = word[: len(word) - len(inner)]
    bare = inner.rstrip(_AFTER)
    after = inner[len(bare) :]
    if bare and not _is_plain(bare):
        yield before.translate(_BRACKETS)
        yield code(bare)
        yield after.translate(_BRACKETS)
    else:
        yield code(word)


def _is_plain(word: str) -> bool:
    if word.isascii() and word.isalpha() and len(word) < 7:
        return True
    if word in _ALONE or _MONEY.fullmatch(word):
        return True
    if "\u00a0" in word:
        return all(map(_is_plain, word.split("\u00a0")))
    signs = all(sign in _PLAIN or sign.isalnum() or _combines(sign) for sign in word)
    return signs and not _MEANT.search(word)


def _combines(sign: str) -> bool:
    if sign.isascii():
        return False
    import unicodedata

    return unicodedata.category(sign) in ("Mn", "Mc", "Sc", "So", "Sm")


def _entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
