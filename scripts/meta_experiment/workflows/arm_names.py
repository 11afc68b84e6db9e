"""What a plan calls the variants of a workflow, which may be any text.

A name hangs on the set of variants alone and on no order of theirs, so that whoever reads the
same workflow again, with another control or order, means the same variant by it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable

from meta_experiment.prompts.slug import slug

_LONGEST = 64
_DIGITS = 8  # of the digest of a variant that has no short name of its own


def arm_names(variants: Iterable[str]) -> dict[str, str]:
    """Return for every variant a name that a plan takes, its own where that is one."""
    every = list(variants)
    short = {item: item if _is_plain(item) else slug(item) for item in every if _is_latin(item)}
    met = Counter(short.values())
    return {
        item: name
        if _is_plain(name := short.get(item, "")) and (name == item or met[name] == 1)
        else f"variant-{hashlib.sha256(item.encode()).hexdigest()[:_DIGITS]}"
        for item in every
    }


def _is_latin(text: str) -> bool:
    return any(letter.isascii() and letter.isalnum() for letter in text)


def _is_plain(name: str) -> bool:
    body = name.replace("_", "a").replace(".", "a").replace("-", "a")
    return body.isascii() and body.isalnum() and name[0].isalpha() and len(name) <= _LONGEST
