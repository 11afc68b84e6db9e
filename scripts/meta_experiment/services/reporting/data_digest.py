"""Digest of trials: two reports with the same one rest on the same data."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from meta_experiment.assign.uniform import sha256
from meta_experiment.types import Draw, Trial

_TEXTS = ("trial_id", "variant", "unit", "status", "excluded")
_NUMBERS = ("order", "exposed", "assigned_at", "closed_at")


def data_digest(trials: Iterable[Trial]) -> str:
    """Return the SHA-256 (hex) of all that trials say, in the order of their units and ids.

    That is nearly the order in which they lie in memory: in another one, most of the time goes
    into finding them. It goes field by field, as many values of one kind are written at once,
    each field led by its lengths, so that nothing of one can pass for another's.
    """
    ordered = sorted(trials, key=attrgetter("order", "trial_id"))
    digest = sha256()
    for field in _TEXTS:
        digest.update(_texts([*map(attrgetter(field), ordered)]))
    for field in _NUMBERS:
        digest.update(_numbers([*map(attrgetter(field), ordered)]))
    digest.update(_texts([_of_draw(trial.draw) for trial in ordered]))
    for field, write in (
        ("metrics", _numbers),
        ("covariates", _numbers),
        ("fingerprint", _texts),
    ):
        groups: list[Mapping[str, Any]] = [*map(attrgetter(field), ordered)]
        names = sorted(set[str]().union(*groups))
        digest.update(_texts(names))
        for name in names:
            digest.update(write([group.get(name) for group in groups]))
    found: str = digest.hexdigest()
    return found


def _of_draw(draw: Draw | None) -> str | None:
    return None if draw is None else f"{draw.parts} {draw.known}"


def _texts(values: Sequence[str | None]) -> bytes:
    """Write texts by their lengths; that of None is below zero."""
    lengths: Iterable[int] = map(len, filter(None, values))
    if not all(values):
        lengths = [-1 if value is None else len(value) for value in values]
    written = "".join(filter(None, values)).encode("utf-8", "surrogatepass")
    return struct.pack(f"<{1 + len(values)}q", len(values), *lengths) + written


def _numbers(values: Sequence[float | None]) -> bytes:
    """Write numbers to the last bit, and where there is none."""
    known = [value for value in values if value is not None]
    gaps = b"" if len(known) == len(values) else bytes(value is None for value in values)
    head = struct.pack("<2q", len(gaps), len(known))
    return head + gaps + struct.pack(f"<{len(known)}d", *known)
