"""Works without a word of who did them, or where: what would tell a judge."""

from __future__ import annotations

import re
from collections.abc import Iterable

SOMEBODY = SOMEWHERE = "[…]"
_SIGNED = re.compile(
    r"^[+ -]?\s*(?:Co-Authored-By:|(?:🤖 )?Generated with \[).*$", re.MULTILINE | re.IGNORECASE
)
_MODEL = re.compile(
    r"\bclaude(?:[ -][0-9][\w.]*)?[ -](?:opus|sonnet|haiku)(?:[ -][0-9][\w.-]*)?", re.IGNORECASE
)


def anonymous(text: str, names: Iterable[str]) -> str:
    """Return a text without signatures, names of models and those names.

    Args:
        text: what somebody wrote.
        names: of who might have done it, such as models.
    """
    text = _SIGNED.sub("", text)
    known = sorted((re.escape(name) for name in names if name), key=len, reverse=True)
    if known:
        text = re.sub(
            rf"(?<!\w)(?:{'|'.join(known)})(?!\w)", SOMEBODY, text, flags=re.IGNORECASE
        )
    return _MODEL.sub(SOMEBODY, text)


def placeless(text: str, places: Iterable[str], around: Iterable[str]) -> str:
    """Return a text without folders of this machine.

    Args:
        text: what somebody wrote.
        places: folders in which it was done; what stands behind them stays.
        around: folders of which nothing stays, whatever stands behind them.
    """
    for place in sorted(places, key=len, reverse=True):
        text = re.sub(rf"{re.escape(place)}/(?=\S)", "", text)
        text = re.sub(rf"{re.escape(place)}(?![\w-])/?", ".", text)
    for folder in around:
        text = re.sub(rf"""{re.escape(folder)}(?![\w-])[^\s"'`]*""", SOMEWHERE, text)
    return text
