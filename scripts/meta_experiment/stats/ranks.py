"""Rank tests: which arm tends to the larger values."""

from __future__ import annotations

import math
from collections.abc import Sequence

from meta_experiment.errors import DegenerateDataError
from meta_experiment.records import dataclass
from meta_experiment.stats.inputs import finite_floats
from meta_experiment.stats.special import normal_sf

EXACT_UP_TO = 50


@dataclass(frozen=True, slots=True)
class RankTest:
    """A rank test; `p_greater` is small when the treatment tends to larger values.

    `statistic` is U of the treatment (pairs in which it is the larger one, ties a half), or
    the sum of the ranks of the positive differences.
    """

    statistic: float
    p_value: float
    p_greater: float
    p_less: float


def mann_whitney(control: Sequence[float], treatment: Sequence[float]) -> RankTest:
    """Compare two arms by ranks: exact for small arms without ties, else approximate.

    Raises:
        DegenerateDataError: without values in an arm, with NaN, or when all values are equal.
    """
    small = len(control) < EXACT_UP_TO and len(treatment) < EXACT_UP_TO
    values = [*control, *treatment]
    if small and len(set(values)) == len(values):
        return mann_whitney_exact(control, treatment)
    return mann_whitney_asymptotic(control, treatment)


def mann_whitney_asymptotic(
    control: Sequence[float], treatment: Sequence[float], *, continuity: bool = True
) -> RankTest:
    """Compare two arms by the normal approximation of U with the correction for ties.

    Mann and Whitney (1947), Ann. Math. Statist. 18; Lehmann (1975), Nonparametrics, 1.3-1.4.

    Raises:
        DegenerateDataError: without values in an arm, with NaN, or when all values are equal.
    """
    control, treatment = _two_arms(control, treatment)
    n_c, n_t = len(control), len(treatment)
    ranks, ties = midranks([*control, *treatment])
    u = math.fsum(ranks[n_c:]) - n_t * (n_t + 1) / 2
    n = n_c + n_t
    spread = (n + 1) - sum(t**3 - t for t in ties) / (n * (n - 1))
    if spread <= 0.0:
        raise DegenerateDataError("all values are equal, expected ranks that differ")
    sd = math.sqrt(n_c * n_t * spread / 12.0)
    return _normal_test(u, u - n_c * n_t / 2, sd, half=0.5 if continuity else 0.0)


def mann_whitney_exact(control: Sequence[float], treatment: Sequence[float]) -> RankTest:
    """Compare two arms by the exact distribution of the treatment's rank sum.

    All ways to deal the observed ranks, ties shared, to the two arms are equally likely. The
    two-sided p-value counts those at least as far from the mean as the one observed.

    Raises:
        DegenerateDataError: without values in an arm, with NaN, or when all values are equal.
    """
    control, treatment = _two_arms(control, treatment)
    n_t = len(treatment)
    ranks, ties = midranks([*control, *treatment])
    if len(ties) == 1:
        raise DegenerateDataError("all values are equal, expected ranks that differ")
    doubled = [round(2 * rank) for rank in ranks]
    observed = sum(doubled[len(control) :])
    untied = len(ties) == len(ranks)
    ways = _rank_sums(len(control), n_t) if untied else _subset_sums(doubled, n_t)
    center = n_t * (len(ranks) + 1)
    p_value, p_greater, p_less = _exact_tails(ways, observed, center)
    return RankTest((observed - n_t * (n_t + 1)) / 2, p_value, p_greater, p_less)


def wilcoxon_signed_rank(differences: Sequence[float]) -> RankTest:
    """Test whether paired differences (treatment minus control) centre on zero.

    Zero differences are dropped. Exact up to 50 differences without ties, else the normal
    approximation with corrections for ties and continuity (Wilcoxon 1945; Lehmann 1975, 3.2).

    Raises:
        DegenerateDataError: with NaN, or when no difference is other than zero.
    """
    nonzero = [d for d in finite_floats(differences) if d != 0.0]
    n = len(nonzero)
    if n == 0:
        raise DegenerateDataError("every difference is zero, expected some that are not")
    ranks, ties = midranks([abs(d) for d in nonzero])
    positive = math.fsum(rank for rank, d in zip(ranks, nonzero, strict=True) if d > 0.0)
    if n < EXACT_UP_TO and len(ties) == n:
        ways = _sign_sums(n)
        p_value, p_greater, p_less = _exact_tails(ways, round(2 * positive), n * (n + 1) // 2)
        return RankTest(positive, p_value, p_greater, p_less)
    variance = n * (n + 1) * (2 * n + 1) / 24 - sum(t**3 - t for t in ties) / 48
    return _normal_test(positive, positive - n * (n + 1) / 4, math.sqrt(variance), half=0.5)


def midranks(values: Sequence[float]) -> tuple[list[float], list[int]]:
    """Return the ranks from 1, ties sharing their mean, and the size of every tied group."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    sizes = []
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for index in order[start:end]:
            ranks[index] = 0.5 * (start + 1 + end)
        sizes.append(end - start)
        start = end
    return ranks, sizes


def _two_arms(
    control: Sequence[float], treatment: Sequence[float]
) -> tuple[list[float], list[float]]:
    if len(control) == 0 or len(treatment) == 0:
        raise DegenerateDataError(
            f"{len(control)} control and {len(treatment)} treatment values, expected both arms",
            hint="record more trials",
        )
    return finite_floats(control), finite_floats(treatment)


def _normal_test(statistic: float, excess: float, sd: float, *, half: float) -> RankTest:
    """Return tails of the normal approximation, moved half a step towards the middle."""
    upper = normal_sf((excess - half) / sd)
    lower = normal_sf((-excess - half) / sd)
    return RankTest(statistic, min(1.0, 2.0 * min(upper, lower)), upper, lower)


def _subset_sums(ranks: Sequence[int], size: int) -> dict[int, int]:
    """Count the subsets of a given size by the sum of their members."""
    ways: list[dict[int, int]] = [{0: 1}, *({} for _ in range(size))]
    for rank in ranks:
        for chosen in range(size, 0, -1):
            into = ways[chosen]
            for total, count in ways[chosen - 1].items():
                into[total + rank] = into.get(total + rank, 0) + count
    return ways[size]


def _rank_sums(n_control: int, n_treatment: int) -> dict[int, int]:
    """Count the ways to deal the ranks 1…n by twice the rank sum of the treatment.

    The counts of U are the coefficients of a Gaussian binomial, the product over i up to
    n_control of (1 - q^(n_treatment + i)) / (1 - q^i).
    """
    size = n_control * n_treatment + 1
    ways = [1] + [0] * (size - 1)
    for i in range(1, n_control + 1):
        for u in range(size - 1, n_treatment + i - 1, -1):
            ways[u] -= ways[u - n_treatment - i]
        for u in range(i, size):
            ways[u] += ways[u - i]
    least = n_treatment * (n_treatment + 1)
    return {2 * u + least: count for u, count in enumerate(ways)}


def _sign_sums(n: int) -> dict[int, int]:
    """Count the ways to sign the ranks 1…n by twice the sum of the positive ones."""
    ways = [1]
    for rank in range(1, n + 1):
        shifted = [0] * rank + ways
        ways = [a + b for a, b in zip(ways + [0] * rank, shifted, strict=True)]
    return {2 * total: count for total, count in enumerate(ways)}


def _exact_tails(
    ways: dict[int, int], observed: int, center: int
) -> tuple[float, float, float]:
    """Return the two-sided, upper and lower tail of an exact distribution of whole numbers."""
    total = sum(ways.values())
    far = abs(observed - center)
    return (
        sum(count for value, count in ways.items() if abs(value - center) >= far) / total,
        sum(count for value, count in ways.items() if value >= observed) / total,
        sum(count for value, count in ways.items() if value <= observed) / total,
    )
