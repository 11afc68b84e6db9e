"""Sample-ratio checks where the shares change from unit to unit: do the draws fit them?

Shares that move with the data, or by stages, are known before each draw. What is expected of
an arm is then the sum of its shares, and never an equal part.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from operator import add, mul, truediv

from meta_experiment.errors import UsageError
from meta_experiment.records import dataclass
from meta_experiment.stats.inputs import require_positive
from meta_experiment.stats.linear import dot, solved
from meta_experiment.stats.special import chi2_sf
from meta_experiment.stats.srm import AnytimeSrm, ChiSquare

Shares = Sequence[float]
"""The probability of each arm at one draw."""

_NO_CHANCE = 1e-12  # of a variance: all draws of the arm were certain


@dataclass(frozen=True, slots=True)
class ChangingRatio:
    """What was expected of each arm, the variances Σπ(1-π), and the test of all arms."""

    counts: tuple[int, ...]
    expected: tuple[float, ...]
    variances: tuple[float, ...]
    test: ChiSquare

    def z(self, arm: int) -> float:
        """Return by how many standard deviations an arm has more units than expected."""
        gap = self.counts[arm] - self.expected[arm]
        if self.variances[arm] <= _NO_CHANCE:
            return math.copysign(math.inf, gap) if abs(gap) > 0.5 else 0.0
        return gap / math.sqrt(self.variances[arm])


def changing_ratio(counts: Sequence[int], shares: Sequence[Shares]) -> ChangingRatio:
    """Compare the arms' counts with the sums of their shares, at one look.

    `shares` has the shares of each unit's draw, in any order. The quadratic form of the gaps
    in the inverse of their covariance, Σ(diag π - ππ'), is chi-square with arms - 1 degrees of
    freedom; arms whose draws were all certain add none.

    Raises:
        UsageError: when counts and shares do not belong together, or make no sense.
    """
    arms = range(len(counts))
    if len(counts) < 2 or min(counts) < 0 or sum(counts) != len(shares):
        raise UsageError(
            f"counts {list(counts)!r} and {len(shares)} units' shares, expected two arms or "
            "more, none below zero, that sum to the units"
        )
    _require_shares(shares, len(counts))
    columns = list(zip(*shares, strict=True)) or [()] * len(counts)
    expected = tuple(map(math.fsum, columns))
    variances = tuple(
        total - dot(own, own) for total, own in zip(expected, columns, strict=True)
    )
    gaps = [count - mean for count, mean in zip(counts, expected, strict=True)]
    chance = [arm for arm in arms if variances[arm] > _NO_CHANCE]
    if any(abs(gaps[arm]) > 0.5 for arm in arms if arm not in chance):
        test = ChiSquare(math.inf, max(1, len(chance) - 1), 0.0)
    elif not chance:
        test = ChiSquare(0.0, len(counts) - 1, 1.0)
    else:
        free = chance[1:]  # the gaps sum to zero
        covariance = [
            [variances[i] if i == j else -dot(columns[i], columns[j]) for j in free]
            for i in free
        ]
        left = [gaps[arm] for arm in free]
        statistic = max(0.0, dot(left, solved(covariance, left)))
        test = ChiSquare(statistic, len(free), chi2_sf(statistic, len(free)))
    return ChangingRatio(tuple(counts), expected, variances, test)


def anytime_changing_ratio(
    arms: Sequence[int], shares: Sequence[Shares], *, concentration: float = 100.0
) -> AnytimeSrm:
    """Compare the draws with their shares, valid at every look.

    Every draw is bet on with odds that the draws before it have set: how much more often an
    arm was drawn than expected, both begun at `concentration` times its first share. What the
    bets win is an e-process whatever the shares are, as long as each was known before its
    draw. Where they do not change it is that of `srm.anytime_srm`.

    Args:
        arms: the place of each unit's arm, in the order in which they were drawn.
        shares: the shares in force at each of these draws.
        concentration: large looks for small deviations.

    Raises:
        UsageError: when arms and shares do not belong together, or a number makes no sense.
    """
    require_positive("concentration", concentration)
    if len(arms) != len(shares):
        raise UsageError(f"{len(arms)} draws and {len(shares)} shares, expected as many")
    if not arms:
        return AnytimeSrm(0.0, 1.0)
    size = len(shares[0])
    _require_shares(shares, size)
    begun = [concentration * (share or 1.0 / size) for share in shares[0]]
    drawn, expected, log_e = list(begun), begun, 0.0
    for arm, share in zip(arms, shares, strict=True):
        if share[arm] <= 0.0:
            return AnytimeSrm(math.inf, 0.0)
        odds = list(map(truediv, drawn, expected))
        log_e += math.log(odds[arm] / sum(map(mul, share, odds)))
        drawn[arm] += 1.0
        expected = list(map(add, expected, share))
    return AnytimeSrm(log_e, math.exp(-max(0.0, log_e)))


def _require_shares(shares: Iterable[Shares], size: int) -> None:
    """Refuse shares that are no probabilities of so many arms."""
    for share in set(map(tuple, shares)):  # many units were drawn by the same
        fine = len(share) == size >= 2 and min(share) >= 0.0
        if not (fine and abs(math.fsum(share) - 1.0) < 1e-6):
            raise UsageError(
                f"shares {list(share)!r}, expected {max(size, 2)} numbers from 0 up, with sum 1"
            )
