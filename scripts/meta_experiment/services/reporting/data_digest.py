"""Digest of trials: two reports with the same one rest on the same data."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from operator import attrgetter, lt
from typing import Any

from meta_experiment.assign.uniform import sha256
from meta_experiment.types import Draw, Trial

_TEXTS = ("trial_id", "variant", "unit", "status", "excluded")
_NUMBERS = ("order", "assigned_at", "closed_at")


def data_digest(trials: Iterable[Trial]) -> str:
    """Return the SHA-256 (hex) of all that trials say, in the order of their units and ids.

    That is nearly the order in which they lie in memory: in another one, most of the time goes
    into finding them. It goes field by field, as many values of one kind are written at once,
    each field led by its lengths, so that nothing of one can pass for another's.
    """
    ordered = _in_order([*trials])
    digest = sha256()
    for field in _TEXTS:
        digest.update(_texts([*map(attrgetter(field), ordered)]))
    for field in _NUMBERS:
        digest.update(_numbers([*map(attrgetter(field), ordered)]))
    digest.update(bytes([*map(attrgetter("exposed"), ordered)]))
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


def _in_order(trials: list[Trial]) -> list[Trial]:
    """Return trials by their units and ids: as they mostly stand, a unit with a trial each."""
    orders = [*map(attrgetter("order"), trials)]
    if all(map(lt, orders, islice(orders, 1, None))):
        return trials
    return sorted(trials, key=attrgetter("order", "trial_id"))


def _of_draw(draw: Draw | None) -> str | None:
    return None if draw is None else f"{draw.parts} {draw.known}"


def _texts(values: Sequence[str | None]) -> bytes:
    """Write texts by their lengths; that of None is below zero, as is that of nothing else."""
    count, known = len(values), [value for value in values if value is not None]
    if not known:
        return struct.pack("<2q", count, -count)
    lengths = [*map(len, known)]
    if len(known) < count:
        lengths = [-1 if value is None else len(value) for value in values]
    written = "".join(known).encode("utf-8", "surrogatepass")
    return struct.pack(f"<2q{count}i", count, len(known), *lengths) + written


def _numbers(values: Sequence[float | None]) -> bytes:
    """Write numbers to the last bit, and where there is none."""
    gaps = bytes([value is None for value in values]) if None in values else b""
    known = [value for value in values if value is not None] if gaps else values
    return struct.pack(f"<2q{len(known)}d", len(gaps), len(known), *known) + gaps
