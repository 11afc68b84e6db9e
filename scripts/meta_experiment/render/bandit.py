"""A bandit in words: what is drawn next, what that spared, and what it costs in proof."""

from __future__ import annotations

from collections.abc import Mapping

from meta_experiment.render import words


def drawn(shares: Mapping[str, float], known: int) -> str:
    """Say by which shares the next units are drawn, and on what they rest."""
    parts = (f"{words.name(name)} {words.per_cent(share)}" for name, share in shares.items())
    return f"next units: {', '.join(parts)} (by {words.counted(known, 'closed trial')})"


def worth(leads: str | None, spared: float | None, information: float | None) -> str | None:
    """Say what moving shares spared against equal ones, and what they cost in proof."""
    if leads is None or spared is None or information is None:
        return None
    units, than = words.counted(round(abs(spared)), "use"), "more" if spared >= 0 else "fewer"
    return (
        f"{words.name(leads)}, the likeliest best, got {units} {than} than by equal shares; "
        f"its difference is known as well as from {words.per_cent(information)} of as many "
        "equal units"
    )
