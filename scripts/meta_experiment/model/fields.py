"""Reading fields out of parsed JSON or YAML, with an error that names the place.

Every function takes the mapping, the key and `where`, the path of the mapping in its
document, and raises UsageError when the value is not what it should be.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from meta_experiment.errors import UsageError, as_word, cite

Word = TypeVar("Word", bound=StrEnum)
Document = Mapping[str, Any]
_NEAR = 0.75  # likeness of two words, of 1
_LONGEST_WORD = 200  # characters
_FEWEST_LETTERS = 4  # that may stand for the beginning of a word


def mapping(value: object, where: str) -> Document:
    """Return the value as a mapping with text keys."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise _wrong(where, "a mapping of names to values", value)
    return value


def sequence(value: object, where: str) -> list[Any]:
    """Return the value as a list; a missing one is empty."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise _wrong(where, "a list", value)
    return value


def known_keys(document: Document, allowed: Collection[str], where: str) -> None:
    """Refuse keys that mean nothing here, naming the nearest one that does."""
    for key in document:
        if key not in allowed:
            raise UsageError(
                f"{where}: there is no field {cite(key)}.", hint=suggestion(key, allowed)
            )


def text(document: Document, key: str, where: str, default: str | None = None) -> str:
    """Return a non-empty text."""
    value = document.get(key, default)
    if not isinstance(value, str) or not value.strip():
        raise _wrong(f"{where}.{as_word(key)}", "a text", value)
    if not is_encodable(value):
        shown = cite(ascii(value), 60)
        raise UsageError(f"{where}.{as_word(key)}: {shown} holds half of a surrogate pair.")
    return value


def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return the members of a JSON object, each name once (an `object_pairs_hook`).

    Raises ValueError: a name is given twice, of which readers would take different ones.
    """
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{cite(name)} is given twice")
        found[name] = value
    return found


def is_encodable(text: str) -> bool:
    """Say whether a text can be written in UTF-8; JSON can spell half a surrogate pair."""
    try:
        text.isascii() or text.encode()
    except UnicodeEncodeError:
        return False
    return True


def number(
    document: Document,
    key: str,
    where: str,
    default: float | None = None,
    *,
    low: float = -math.inf,
    high: float = math.inf,
) -> float:
    """Return a finite number within bounds (both allowed)."""
    value = document.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
        raise _wrong(f"{where}.{as_word(key)}", "a finite number", value)
    if not low <= value <= high:
        raise _wrong(f"{where}.{as_word(key)}", _bounds(low, high), value)
    return float(value)


def whole(
    document: Document,
    key: str,
    where: str,
    default: int | None = None,
    *,
    low: int = 0,
    high: int = 2**63,
) -> int:
    """Return a whole number within bounds (both allowed)."""
    value = document.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(f"{where}.{key}", "a whole number", value)
    if not low <= value <= high:
        raise _wrong(f"{where}.{key}", _bounds(low, high), value)
    return value


def flag(document: Document, key: str, where: str, *, default: bool) -> bool:
    """Return true or false."""
    value = document.get(key, default)
    if not isinstance(value, bool):
        raise _wrong(f"{where}.{key}", "true or false", value)
    return value


def word(document: Document, key: str, where: str, words: type[Word], default: Word) -> Word:
    """Return one word of a closed list, naming the nearest when it is not one."""
    value = document.get(key, default)
    try:
        return words(value)
    except ValueError:
        allowed = [item.value for item in words]
        raise UsageError(
            f"{where}.{key}: {cite(value)} is none of {', '.join(allowed)}.",
            hint=suggestion(str(value), allowed),
        ) from None


def optional_word(document: Document, key: str, where: str, words: type[Word]) -> Word | None:
    """Return one word of a closed list, or None where there is none."""
    if document.get(key) is None:
        return None
    return word(document, key, where, words, next(iter(words)))


def suggestion(typed: str, allowed: Collection[str]) -> str | None:
    """Say which allowed word was probably meant, if one is near."""
    if len(typed) > _LONGEST_WORD:
        return None  # comparing takes time with the square of it

    from difflib import SequenceMatcher

    def likeness(word: str) -> tuple[float, float]:
        whole = SequenceMatcher(None, typed, word).ratio()
        begun = SequenceMatcher(None, typed, word[: len(typed)]).ratio()
        return max(whole, begun if len(typed) >= _FEWEST_LETTERS else 0.0), whole

    near = max(allowed, key=likeness, default="")
    return f"Did you mean {cite(near)}?" if near and likeness(near)[0] >= _NEAR else None


def _bounds(low: float, high: float) -> str:
    if high in (math.inf, 2**63):
        return f"a number of at least {low:g}"
    return f"a number from {low:g} to {high:g}"


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


def _wrong(where: str, expected: str, value: object) -> UsageError:
    return UsageError(f"{where}: expected {expected}, found {shown(value)}.")


def shown(value: object) -> str:
    """Return a value as a message shows it: numbers as such, the rest in quotes, cut short."""
    if value is None:
        return "nothing"
    return repr(value) if isinstance(value, int | float) else cite(value, 60)
