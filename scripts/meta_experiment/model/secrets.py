"""Tokens and keys kept out of what is stored or sent.

People paste what they have at hand into a reason or a hypothesis, and those are committed.
What looks like a credential is replaced before it is written. Every pattern takes time in
proportion to the text: each begins at a boundary or is bounded in length.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

REMOVED = "[secret removed]"

_START = r"(?<![A-Za-z0-9_-])"
_KEY = r"-----{} [A-Z0-9 ]{{0,40}}PRIVATE KEY-----"
_SHAPES = (
    _KEY.format("BEGIN") + r".*?(?:" + _KEY.format("END") + r"|\Z)",
    _START + r"sk-[A-Za-z0-9_-]{20,}",  # Anthropic, OpenAI
    _START + r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,}",  # Stripe
    _START + r"gh[pousr]_[A-Za-z0-9]{20,}",
    _START + r"github_pat_[A-Za-z0-9_]{20,}",
    _START + r"glpat-[A-Za-z0-9_-]{16,}",
    _START + r"npm_[A-Za-z0-9]{30,}",
    _START + r"pypi-[A-Za-z0-9_-]{30,}",
    _START + r"hf_[A-Za-z0-9]{30,}",
    _START + r"xox[a-z]-[A-Za-z0-9-]{10,}",  # Slack
    _START + r"A(?:KIA|SIA|GPA|IDA|ROA)[A-Z0-9]{16}(?![A-Za-z0-9])",  # AWS
    _START + r"AIza[A-Za-z0-9_-]{35}",  # Google
    _START + r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",  # JSON web tokens
)
_SHAPE = re.compile("|".join(_SHAPES), re.DOTALL)
_BEARER = re.compile(r"\b(Bearer|Basic)( +)([A-Za-z0-9._~+/=-]{16,})", re.IGNORECASE)
_IN_URL = re.compile(r"(://[^\s/:@]{0,100}:)([^\s/@]{1,200})(?=@)")
_NAMED = re.compile(
    r"(?<![A-Za-z0-9_.-])([A-Za-z0-9_.-]{1,60})"
    r"([\"']?\s{0,3}[=:]\s{0,3}[\"']?)([^\s\"',;]{8,})"
)
_SECRET_WORD = re.compile(
    r"(?:^|[_.-]|(?<=[A-Za-z0-9])(?=[A-Z][a-z]))"  # api_key, apiKey
    r"(?i:api_?key|key|token|secret|passwo?r?d|passphrase|pwd|credentials?|auth)$"
)
_SHOUTED = re.compile(r"[A-Z][A-Z0-9_]{2,}$")
_HEX = re.compile(r"[0-9a-fA-F]+$")
_RANDOM_BITS = 3.5  # a character; words have about 3, random letters and digits over 4
_RANDOM_LENGTH = 20


def redacted(text: str) -> str:
    """Return the text with everything that looks like a credential replaced."""
    text = _SHAPE.sub(REMOVED, text)
    if ":" not in text and "=" not in text and "earer" not in text:
        return text
    text = _BEARER.sub(rf"\1\2{REMOVED}", text)
    text = _IN_URL.sub(rf"\1{REMOVED}", text)
    return _NAMED.sub(_without_value, text)


def redacted_value(value: Any) -> Any:  # noqa: ANN401 - a value of a document
    """Return a value of a JSON document with every text in it redacted."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, Mapping):
        return {key: redacted_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redacted_value(item) for item in value]
    return value


def redacted_plan(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a plan document whose free texts (name, hypothesis, tags) are redacted."""
    free = ("name", "hypothesis", "tags")
    return dict(document) | {
        key: redacted_value(document[key]) for key in free if key in document
    }


def _without_value(found: re.Match[str]) -> str:
    name, between, value = found.groups()
    return f"{name}{between}{REMOVED}" if _is_secret(name, value) else found[0]


def _is_secret(name: str, value: str) -> bool:
    if value.startswith(REMOVED[:7]) or "://" in value:
        return False
    if _SECRET_WORD.search(name):
        return any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
    return bool(
        _SHOUTED.match(name)
        and len(value) >= _RANDOM_LENGTH
        and not _HEX.match(value)  # hashes of files and commits are no secrets
        and _bits(value) >= _RANDOM_BITS
    )


def _bits(text: str) -> float:
    """Return the entropy of the characters of a text, in bits a character."""
    size = len(text)
    return -sum(n / size * math.log2(n / size) for n in Counter(text).values())
