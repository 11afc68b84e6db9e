"""Seals: by them this machine knows what it wrote itself from what anything else brought along.

A commit, an archive or a neighbour can put any file below a root, also in the place of one
that git ignores. The key lies in the machine's own folder, outside of every repository. What
steers, is served, is followed or counts is believed only under a seal, which holds for one
checkout, one purpose and exactly these bytes.
"""

from __future__ import annotations

import os

from meta_experiment.protocol.places import data_folder, local_id, read_bytes, read_own

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DIGITS = 32  # of a seal
_BLOCK = 64  # bytes of SHA-256's input at a time
_INNER = bytes(number ^ 0x36 for number in range(256))
_OUTER = bytes(number ^ 0x5C for number in range(256))
_ID_PURPOSE = "checkout"


def key_file(data: str) -> str:
    """Return where this machine's key lies: hex digits, as many as a block has bytes."""
    return f"{data}/key"


def machine_key(data: str) -> bytes:
    """Return this machine's key for this user; empty when there is none. Raises OSError."""
    return read_bytes(key_file(data)).strip()[:_BLOCK] if data else b""


class Seal:
    """This machine's seal in one checkout. Without a key nothing fits and nothing is sealed.

    A `purpose` says what the bytes are for, such as `notice` or `journal CHANGE`, so that
    nothing that was sealed for one place is believed in another.
    """

    __slots__ = ("_checkout", "_key")

    def __init__(self, key: bytes, checkout: str) -> None:
        self._key = key
        self._checkout = checkout

    def of(self, purpose: str, data: bytes) -> str:
        """Return the seal of some bytes: HMAC-SHA-256 (RFC 2104), the first 128 bits in hex.

        Large data are sealed by their digest. Raises PermissionError without a key.
        """
        if not self._key:
            raise PermissionError("this machine has no key to seal with")
        from meta_experiment.assign.uniform import sha256

        padded = self._key.ljust(_BLOCK, b"\0")
        label = f"{self._checkout}\x1f{purpose}\x1f".encode("utf-8", "surrogateescape")
        inner = sha256(padded.translate(_INNER) + label + data)
        outer = sha256(padded.translate(_OUTER) + inner.digest())
        return str(outer.hexdigest()[:DIGITS])

    def fits(self, seal: str, purpose: str, data: bytes) -> bool:
        """Tell whether this machine sealed these very bytes for this purpose, here."""
        return bool(self._key) and seal == self.of(purpose, data)

    def wrap(self, purpose: str, data: bytes) -> bytes:
        """Return the bytes under a first line that is their seal. Raises PermissionError."""
        return f"{self.of(purpose, data)}\n".encode() + data

    def unwrap(self, purpose: str, wrapped: bytes) -> bytes | None:
        """Return what `wrap` was given; None when this machine did not write it so, here."""
        seal, _, data = wrapped.partition(b"\n")
        return data if self.fits(seal.decode("ascii", "replace"), purpose, data) else None


def seal_of(root: str, environment: Mapping[str, str] = os.environ) -> Seal:
    """Return the seal of the checkout at a root. Raises OSError.

    One whose identity was never drawn, or was replaced, has none: it is no other checkout.
    """
    key = machine_key(data_folder(environment))
    checkout = checkout_in(read_own(local_id(root)), key)
    return Seal(key if checkout else b"", checkout)


def read_sealed(root: str, path: str, purpose: str) -> bytes:
    """Return what this machine wrote into a file of a checkout, or nothing. Raises OSError."""
    wrapped = read_own(path)  # what is no file there is none of ours
    return (wrapped and seal_of(root).unwrap(purpose, wrapped)) or b""


def sealed_id(checkout: str, key: bytes) -> bytes:
    """Return the line by which a checkout keeps its identity. Raises PermissionError."""
    return f"{checkout} {Seal(key, '').of(_ID_PURPOSE, checkout.encode())}\n".encode()


def checkout_in(line: bytes, key: bytes) -> str:
    """Return the identity in such a line; empty when this machine did not draw it."""
    checkout, _, seal = line.decode("ascii", "replace").strip().partition(" ")
    return checkout if Seal(key, "").fits(seal, _ID_PURPOSE, checkout.encode()) else ""
