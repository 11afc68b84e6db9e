"""Seals: by them this machine knows what it wrote itself from what a commit brought along.

The key lies in the machine's own folder, outside of every repository. A file that steers what
runs by itself is believed only under a seal: git replaces ignored files without asking.
"""

from __future__ import annotations

from meta_experiment.live.places import read_bytes

_BLOCK = 64  # bytes of SHA-256's input at a time
_DIGITS = 32
_INNER = bytes(number ^ 0x36 for number in range(256))
_OUTER = bytes(number ^ 0x5C for number in range(256))


def key_file(data: str) -> str:
    """Return where this machine's key lies: hex digits, as many as a block has bytes."""
    return f"{data}/key"


def machine_key(data: str) -> bytes:
    """Return this machine's key for this user; empty when there is none. Raises OSError."""
    return read_bytes(key_file(data)).strip()[:_BLOCK] if data else b""


def seal(key: bytes, text: str) -> str:
    """Return the seal of a text: HMAC-SHA-256 (RFC 2104), the first 128 bits in hex."""
    from meta_experiment.assign.uniform import sha256

    padded = key.ljust(_BLOCK, b"\0")
    inner = sha256(padded.translate(_INNER) + text.encode("utf-8", "surrogateescape"))
    outer = sha256(padded.translate(_OUTER) + inner.digest())
    return str(outer.hexdigest()[:_DIGITS])
