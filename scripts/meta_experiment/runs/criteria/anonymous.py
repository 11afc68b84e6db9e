"""Works without a word of who did them: what would tell a judge the model or the place."""

from __future__ import annotations

import re
from collections.abc import Iterable

SOMEBODY = "[…]"
_SIGNED = re.compile(
    r"^[+ -]?\s*(?:Co-Authored-By:|(?:🤖 )?Generated with \[).*$", re.MULTILINE | re.IGNORECASE
)
_MODEL = re.compile(
    r"\bclaude(?:[ -][0-9][\w.]*)?[ -](?:opus|sonnet|haiku)(?:[ -][0-9][\w.-]*)?", re.IGNORECASE
)


def anonymous(text: str, names: Iterable[str], places: Iterable[str]) -> str:
    """Return a text without signatures, names of models, those names and those places.

    Args:
        text: what somebody wrote.
        names: of who might have done it, such as models.
        places: folders in which it was done; what stands behind them stays.
    """
    for place in sorted(places, key=len, reverse=True):
        text = text.replace(f"{place}/", "").replace(place, ".")
    text = _SIGNED.sub("", text)
    known = sorted((re.escape(name) for name in names if name), key=len, reverse=True)
    if known:
        text = re.sub(
            rf"(?<!\w)(?:{'|'.join(known)})(?!\w)", SOMEBODY, text, flags=re.IGNORECASE
        )
    return _MODEL.sub(SOMEBODY, text)
