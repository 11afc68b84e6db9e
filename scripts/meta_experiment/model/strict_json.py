"""JSON from strangers: parsed, or refused in one sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping

from meta_experiment.errors import UsageError

DEEPEST = 60
MOST_PARTS = 1_000_000  # lists and objects; each costs far more memory than its text


def parse(text: str, name: str) -> object:
    """Parse a JSON text; `name` is what messages call it.

    Raises:
        UsageError: it is no JSON, nested too deeply, gives two values to one name, or holds
            half of a surrogate pair, which JSON can spell and no text can hold. Or it has too
            many parts.
    """
    if text.count("[") + text.count("{") > MOST_PARTS:
        raise UsageError(
            f"{name} has more than {MOST_PARTS:,} lists and objects; split it first."
        )
    try:
        document: object = json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} is not valid JSON: {error}.") from error
    _refuse_deep(document, name)
    if "\\ud" in text or "\\uD" in text:
        _refuse_half_pairs(document, name)
    return document


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"two values are given for {twice[:60]!r}")
    return found


def _refuse_deep(document: object, name: str) -> None:
    level: list[object] = [document]
    for _ in range(DEEPEST):
        level = [
            value
            for item in level
            if isinstance(item, Mapping | list)
            for value in (item.values() if isinstance(item, Mapping) else item)
        ]
        if not level:
            return
    raise UsageError(f"{name} is nested deeper than {DEEPEST} levels.")


def _refuse_half_pairs(document: object, name: str) -> None:
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"{name} holds half of a surrogate pair, which is no text.") from error
