"""Choice of the name of runs that is that of their case."""

from __future__ import annotations

from collections.abc import Iterable


def pairs_arms(runs: Iterable[tuple[str | None, str | None]]) -> bool:
    """Tell whether at least half of the names of runs, each with its arm, are of several arms.

    Such names are those of cases; what names the runs of each arm anew would pair nothing.
    """
    arms: dict[str, set[str | None]] = {}
    for name, arm in runs:
        if name is not None:
            arms.setdefault(name, set()).add(arm)
    return 2 * sum(len(several) > 1 for several in arms.values()) >= len(arms) > 0
