"""The machine's key and seal, for tests that write what only this machine may write."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from meta_experiment.protocol import places, seal

_KEY = "5ea1" * 16
CHECKOUT = "0123456789ab".ljust(32, "c")  # of every root that gets its identity here


def own_key(*others: Mapping[str, str]) -> bytes:
    """Return the key of the home that tests run in, the same in the homes of others."""
    key = seal.machine_key(places.data_folder(os.environ)) or _KEY.encode()
    for environment in (os.environ, *others):
        path = Path(seal.key_file(places.data_folder(environment)))
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != key:
            path.write_bytes(key)
    return key


def own_seal(root: Path, *others: Mapping[str, str]) -> seal.Seal:
    """Return this machine's seal in the checkout at a root, which gets an identity."""
    key = own_key(*others)
    path = Path(places.local_id(str(root)))
    if not seal.checkout_in(places.read_bytes(str(path)), key):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(seal.sealed_id(CHECKOUT, key))
    return seal.seal_of(str(root))
