"""Whether the shares of arms that another system draws stay what they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from meta_experiment.decide.units import Arm
from meta_experiment.stats.srm import homogeneous
from meta_experiment.types import SrmCheck

_FEWEST = 20  # units of all arms to be compared with others


def shares_over_time(arms: Mapping[str, Arm], alpha: float) -> SrmCheck:
    """Compare the arms' shares of the units between days.

    Nobody here knows what they ought to be. A rollout that gives the treatment more from day to
    day makes whatever changed in time an effect of it. Days that have few units are taken
    together. The chi-square of so many days is spent on the looks as 1/(days·(days + 1)), which
    sums to one over all of them.
    """
    counts = {name: arm.exposed for name, arm in arms.items()}
    total = sum(counts.values()) or 1
    shares = {name: count / total for name, count in counts.items()}
    rows = _rows([arm.by_day for arm in arms.values()])
    if len(rows) < 2:
        return SrmCheck(True, counts, shares, None, None, over_time=True)
    found = homogeneous(rows)
    p_anytime = min(1.0, found.p_value * len(rows) * (len(rows) - 1))
    return SrmCheck(p_anytime > alpha, counts, shares, found.p_value, p_anytime, over_time=True)


def _rows(arms: Sequence[Mapping[int, int]]) -> list[list[int]]:
    """Return the units of all arms by day, few ones with those of the next day."""
    rows, current = list[list[int]](), [0] * len(arms)
    for day in sorted({day for arm in arms for day in arm}):
        current = [known + arm.get(day, 0) for known, arm in zip(current, arms, strict=True)]
        if sum(current) >= _FEWEST:
            rows.append(current)
            current = [0] * len(arms)
    return rows
