"""Identifiers that lines hold: those of new trials, and units as they are written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count

from meta_experiment.errors import UsageError
from meta_experiment.protocol import tsv
from meta_experiment.store.fold.events import NAME_LIMIT


def new_trial_ids() -> Iterator[str]:
    """Yield identifiers that no other process draws.

    They follow one another from a random one on, so that those of a batch are told from all
    others at once (see `runs`).
    """
    first = int.from_bytes(os.urandom(8))
    return (f"{code % (1 << 64):016x}" for code in count(first))


def new_trial_id() -> str:
    """Return an identifier that no other process draws."""
    return next(new_trial_ids())


def unit_key(unit: str) -> str:
    """Return a unit as it stands in the line of its assignment.

    Raises:
        UsageError: it is empty, too long, or no text.
    """
    try:
        size = len(unit.encode())
    except UnicodeEncodeError as error:
        raise UsageError("The unit is not valid text.") from error
    if not 0 < size <= NAME_LIMIT:
        raise UsageError(f"The unit has {size:,} bytes; expected 1 to {NAME_LIMIT:,}.")
    return tsv.escaped(unit)
