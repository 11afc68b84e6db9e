"""How steady runs of the same case are: what one pass among several repeats is worth.

`outcomes` holds, for each case, whether each of its repeats passed. Repeats without a verdict
are left out by the caller.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

Outcomes = Iterable[Sequence[bool]]


def pass_at(tries: int, outcomes: Outcomes) -> float | None:
    """Return the chance that at least one of so many tries of a case passes (pass@k).

    The mean over cases of 1 − C(n−c, k) / C(n, k) with c passes in n repeats, which is unbiased
    (Chen et al. 2021, "Evaluating large language models trained on code"). None where no case
    has as many repeats; those that have fewer are left out.
    """
    return _mean(
        1 - math.comb(len(runs) - sum(runs), tries) / math.comb(len(runs), tries)
        for runs in _repeated(outcomes, tries)
    )


def pass_all(tries: int, outcomes: Outcomes) -> float | None:
    """Return the chance that all of so many tries of a case pass (pass^k).

    The mean over cases of C(c, k) / C(n, k), unbiased as well (Yao et al. 2024, "τ-bench").
    None where no case has as many repeats; those that have fewer are left out.
    """
    return _mean(
        math.comb(sum(runs), tries) / math.comb(len(runs), tries)
        for runs in _repeated(outcomes, tries)
    )


def flip_rate(outcomes: Outcomes) -> float | None:
    """Return the share of cases whose repeats disagree, among those that have several."""
    return _mean(float(len(set(runs)) > 1) for runs in _repeated(outcomes, 2))


def cost_per_success(usd: Sequence[float | None], successes: int) -> float | None:
    """Return what a success costs, failures paid as well.

    None where there is none, or where the price of a run is not known.
    """
    known = [price for price in usd if price is not None]
    return math.fsum(known) / successes if successes and len(known) == len(usd) else None


def noise_floor(values: Iterable[Sequence[float]]) -> float | None:
    """Return the standard deviation between repeats of one case, pooled over cases.

    Differences of this size between two runs say nothing. `values` are of one metric, on the
    scale on which it is compared. None where no case has several repeats.
    """
    squares: list[float] = []
    freedom = 0
    for repeats in values:
        mean = math.fsum(repeats) / max(len(repeats), 1)
        squares.extend((value - mean) ** 2 for value in repeats)
        freedom += max(len(repeats) - 1, 0)
    return math.sqrt(math.fsum(squares) / freedom) if freedom else None


def _repeated(outcomes: Outcomes, times: int) -> Iterable[Sequence[bool]]:
    if times < 1:
        raise ValueError(f"{times} tries are none; expected at least one")
    return (runs for runs in outcomes if len(runs) >= times)


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return math.fsum(known) / len(known) if known else None
