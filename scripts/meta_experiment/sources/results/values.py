"""Values as somebody wrote them, read as a number or as missing with the reason."""

from __future__ import annotations

import math
import re
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from meta_experiment.sources.results.imported import NO_NUMBER

_MISSING = frozenset({"", "-", "–", "—", "n/a", "n.a.", "na", "#n/a", "#nv", "nan", "null",
                      "nil", "(null)", "none", "undefined", "unknown", "pending", "missing",
                      "skipped", "k.a.", "k. a.", "n.d.", "n. d.", "tbd", "?"})  # fmt: skip
_TRUE = frozenset({"true", "t", "yes", "y", "pass", "passed", "wahr", "ja", "vrai", "oui",
                   "sí", "verdadero", "✓", "✔", "✅"})  # fmt: skip
_FALSE = frozenset({"false", "f", "no", "n", "fail", "failed", "falsch", "nein", "faux", "non",
                    "falso", "✗", "✘", "❌"})  # fmt: skip
_TIMES = {
    "ms": 0.001, "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0,
    "min": 60.0, "mins": 60.0, "minute": 60.0, "minutes": 60.0,
    "h": 3600.0, "hour": 3600.0, "hours": 3600.0,
}  # fmt: skip
_DOLLARS = ("$", "US$", "USD")
_MONEY = (*_DOLLARS, "€", "£", "¥", "EUR", "GBP", "CHF", "JPY")
_TOKENS = ("token", "tokens")
_SIGNS = "[+-]?"
_PLAIN = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)
_BEGINNINGS = tuple("0123456789+-.,")
_SPACES = " \u00a0\u2009\u202f"  # between thousands, as tables of several countries have them
_APOSTROPHES = "'’"


class NumberUnit(Enum):
    """Unit of a number, as the sign in front of it, or behind it, tells."""

    NONE = "none"
    PER_CENT = "per cent"
    SECONDS = "seconds"
    DOLLARS = "dollars"
    OTHER_MONEY = "another currency"
    TOKENS = "tokens"
    TRUTH = "truth"


class Decimal(Enum):
    """The sign before the decimals; the other one of the two parts thousands."""

    POINT = "."
    COMMA = ","

    @property
    def other(self) -> Decimal:
        """The sign that this one is not."""
        return Decimal.COMMA if self is Decimal.POINT else Decimal.POINT


class ParsedNumber(NamedTuple):
    """A number, or None with `problem` saying why; without a problem it is just missing.

    `unit` is what was written beside the number; per cents are shares and times are seconds
    already.
    """

    number: float | None
    problem: str | None = None
    unit: NumberUnit = NumberUnit.NONE


def read(value: object, decimal: Decimal = Decimal.POINT) -> ParsedNumber:
    """Read a number, a truth value (1 or 0), or a text that holds nothing but one of them.

    `85%` is 0.85 and `1,830` is 1830, or 1.83 with a decimal comma; `N/A` and its like are
    missing; prose such as `+35% better` is no number.
    """
    if value is None:
        return ParsedNumber(None)
    if isinstance(value, bool):
        return ParsedNumber(float(value), unit=NumberUnit.TRUTH)
    if isinstance(value, int | float):
        return _finite(value)
    if isinstance(value, str):
        return _text(value, decimal)
    return ParsedNumber(None, NO_NUMBER)


def notations(text: str) -> frozenset[Decimal]:
    """Return with which decimal signs a text is a number; both where it tells of neither.

    `1.5` and `0.125` are written with a point, `1.234,5` with a comma, `1,250` with either:
    1250 or 1.25. What is no number, or has no such sign, is none of all: an empty set.
    """
    bare, _ = _bare(text)
    if not {".", ","} & set(bare):
        return frozenset()
    return frozenset(decimal for decimal in Decimal if _number(decimal).fullmatch(bare))


def _text(value: str, decimal: Decimal) -> ParsedNumber:
    if decimal is Decimal.POINT and _PLAIN.fullmatch(value):
        return _finite(float(value))
    word = value.strip().lower()
    if word in _MISSING:
        return ParsedNumber(None)
    if word in _TRUE or word in _FALSE:
        return ParsedNumber(float(word in _TRUE), unit=NumberUnit.TRUTH)
    bare, (unit, factor) = _bare(value)
    found = _number(decimal).fullmatch(bare)
    if found is None:
        return ParsedNumber(None, NO_NUMBER)
    digits = bare.replace(decimal.other.value, "")
    for sign in _SPACES + _APOSTROPHES:
        digits = digits.replace(sign, "")
    number = _finite(float(digits.replace(decimal.value, ".")) * factor)
    return number._replace(unit=unit)


def _bare(value: str) -> tuple[str, tuple[NumberUnit, float]]:
    """Part a text into what may be a number and what its sign says."""
    text = value.strip().replace("−", "-")
    if text[-1:].isdigit() and text[:1] in _BEGINNINGS:
        return text, (NumberUnit.NONE, 1.0)  # which nearly all are
    for sign in _MONEY:
        for bare in (text.removeprefix(sign), text.removesuffix(sign)):
            if bare != text:
                return bare.strip(), (_money(sign), 1.0)
    if text.endswith("%"):
        return text[:-1].strip(), (NumberUnit.PER_CENT, 0.01)
    bare = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    word = text[len(bare) :].lower()
    if word in _TIMES:
        return bare.strip(), (NumberUnit.SECONDS, _TIMES[word])
    if word in _TOKENS:
        return bare.strip(), (NumberUnit.TOKENS, 1.0)
    return text, (NumberUnit.NONE, 1.0)


def _money(sign: str) -> NumberUnit:
    return NumberUnit.DOLLARS if sign in _DOLLARS else NumberUnit.OTHER_MONEY


@lru_cache(maxsize=2)
def _number(decimal: Decimal) -> re.Pattern[str]:
    """Return what a number looks like; thousands are parted by one sign throughout."""
    point, comma = re.escape(decimal.value), re.escape(decimal.other.value)
    grouped = (
        rf"[1-9]\d{{0,2}}(?P<sign>[{comma}{_SPACES}{_APOSTROPHES}])\d{{3}}(?:(?P=sign)\d{{3}})*"
    )
    return re.compile(
        rf"{_SIGNS}(?:(?:{grouped}|\d+)(?:{point}\d+)?|{point}\d+)(?:[eE][+-]?\d+)?"
    )


def _finite(value: float) -> ParsedNumber:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isnan(number):
        return ParsedNumber(None)
    return ParsedNumber(number) if math.isfinite(number) else ParsedNumber(None, NO_NUMBER)
