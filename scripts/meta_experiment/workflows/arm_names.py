"""What a plan calls the variants of a workflow, which may be any text, and back.

A name hangs on the variant alone, so that whoever reads the same workflow again, with another
control or in another order, means the same variant by it. One that is not the variant's own
has a digest at its end, and is met in no sentence but where it is meant.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

from meta_experiment.prompts.slug import slug

_LONGEST = 64
_DIGITS = 8  # of the digest of a variant that cannot name an arm itself


def arm_names(variants: Iterable[str]) -> dict[str, str]:
    """Return for every variant a name that a plan takes, its own where that is one."""
    return {item: item if _is_plain(item) else _name_of(item) for item in variants}


def as_declared(text: str, names: Mapping[str, str]) -> str:
    """Write variants in a text as the workflow calls them; `names` are those of the plan."""
    other = {name: variant for variant, name in names.items() if name != variant}
    if not other:
        return text
    any_of = "|".join(map(re.escape, other))
    return re.sub(rf"(?<![\w.-])(?:{any_of})(?![\w-])", lambda found: other[found[0]], text)


def _name_of(variant: str) -> str:
    has_letter = any(sign.isascii() and sign.isalnum() for sign in variant)
    short = slug(variant) if has_letter else ""
    start = short if _is_plain(short) else f"variant-{short}".rstrip("-")
    return f"{start}-{hashlib.sha256(variant.encode()).hexdigest()[:_DIGITS]}"


def _is_plain(name: str) -> bool:
    body = name.replace("_", "a").replace(".", "a").replace("-", "a")
    return body.isascii() and body.isalnum() and name[0].isalpha() and len(name) <= _LONGEST
