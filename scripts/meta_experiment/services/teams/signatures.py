"""Ed25519 by the package cryptography, an extra: the only place that loads it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from meta_experiment.errors import DependencyError
from meta_experiment.files.installed import install_hint


class SigningKey:
    """A private key of 32 bytes.

    Raises:
        DependencyError: the package is not installed.
    """

    def __init__(self, seed: bytes) -> None:
        with _installed():
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key: bytes = self._key.public_key().public_bytes_raw()

    def sign(self, statement: bytes) -> bytes:
        """Return the signature of a statement, 64 bytes."""
        return self._key.sign(statement)


def is_signed(public_key: bytes, signature: bytes, statement: bytes) -> bool:
    """Tell whether the holder of a key signed this very statement.

    Raises:
        DependencyError: the package is not installed.
    """
    with _installed():
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, statement)
    except (InvalidSignature, ValueError):  # the latter: no key of 32 bytes
        return False
    return True


@contextmanager
def _installed() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise DependencyError(
            f"The signing of a team needs {error.name or error}, which is not installed.",
            hint=install_hint("team"),
        ) from error
