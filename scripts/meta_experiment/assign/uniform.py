"""Reproducible uniform numbers from text, without state.

SHA-256 of a salted key, read as a fraction of 2**64: the usual way to assign by hash,
with a salt of its own for every experiment so that experiments are independent.
"""

from __future__ import annotations

# The bare modules spare loading OpenSSL while a prompt waits; their name depends on the
# version of Python.
try:
    from _sha2 import sha256  # type: ignore[import-not-found]
except ImportError:
    try:
        from _sha256 import sha256  # type: ignore[import-not-found]
    except ImportError:
        from hashlib import sha256

__all__ = ["sha256", "shuffled", "uniform"]

_SPAN = 2**64


def uniform(*parts: object) -> float:
    """Return a number in [0, 1) that depends on the parts, and on their borders, alone."""
    key = "\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass")
    return int.from_bytes(sha256(key).digest()[:8], "big") / _SPAN


def shuffled(items: list[int], *parts: object) -> list[int]:
    """Return the items in an order drawn from the parts (Fisher and Yates)."""
    order = list(items)
    for last in range(len(order) - 1, 0, -1):
        other = int(uniform(*parts, last) * (last + 1))
        order[last], order[other] = order[other], order[last]
    return order
