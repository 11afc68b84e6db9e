"""An exchange with the team's store in a process of its own, which nobody waits for."""

from __future__ import annotations

import os

from meta_experiment.files.roots import Layout

EVERY = 240.0  # seconds between two, at least
_VERB = ["store", "ship", "--background"]


def ship_apart(layout: Layout, now: float) -> bool:
    """Start an exchange where a team's store is in use and the last is long enough ago.

    Tells whether it began. Where none is in use, nothing more is loaded or asked.
    """
    if not in_use(layout):
        return False
    from contextlib import suppress

    from meta_experiment.files.interruption import held
    from meta_experiment.files.pack import own_program
    from meta_experiment.live.apart import claimed, run_apart

    # a signal must not meet the second process before it is one
    with suppress(OSError), held():
        if claimed(str(layout.local / "store.stamp"), now, EVERY):
            run_apart(str(layout.root), _VERB, str(layout.local / "store.log"), own_program())
            return True
    return False


def in_use(layout: Layout) -> bool:
    """Tell whether a team's store is in use at a root."""
    return os.path.exists(layout.local / "store")  # noqa: PTH110 - pathlib tells no faster
