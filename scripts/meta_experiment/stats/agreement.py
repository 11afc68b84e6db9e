"""Agreement of two who gave verdicts on the same things: how often, and beyond chance.

Kappa (Cohen 1960, Educ. Psychol. Meas. 20) is the agreement beyond that of two who say yes as
often as these do, by chance. Its interval is that of the agreement (Clopper and Pearson 1934,
Biometrika 26), with these rates taken as they are: it covers at least what it says from 8
things on (simulated), and is not empty where both always agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from meta_experiment.records import dataclass
from meta_experiment.stats.inputs import require_fraction
from meta_experiment.stats.root_finding import edge
from meta_experiment.stats.special import beta_cdf


@dataclass(frozen=True, slots=True)
class Kappa:
    """Agreement beyond chance, 1 for all there can be, with both ends of its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """Share of things on which both agree, with its interval, and kappa.

    `kappa` is None where one of them always says the same: chance explains as much then.
    """

    n: int
    agreed: int
    low: float
    high: float
    kappa: Kappa | None

    @property
    def share(self) -> float:
        """How often they agree."""
        return self.agreed / self.n


def agreement(pairs: Iterable[tuple[bool, bool]], level: float = 0.95) -> Agreement | None:
    """Return how far two agree on things of which both said yes or no; None without any.

    Raises:
        UsageError: the level is no fraction.
    """
    counts = Counter(pairs)
    n = counts.total()
    if not n:
        return None
    agreed = counts[True, True] + counts[False, False]
    low, high = share_interval(agreed, n, level)
    first = (counts[True, True] + counts[True, False]) / n
    second = (counts[True, True] + counts[False, True]) / n
    kappa = None
    if 0 < first < 1 and 0 < second < 1:
        chance = first * second + (1 - first) * (1 - second)
        ends = (max(-1.0, (end - chance) / (1 - chance)) for end in (agreed / n, low, high))
        kappa = Kappa(*ends)
    return Agreement(n, agreed, low, high, kappa)


def share_interval(successes: int, n: int, level: float) -> tuple[float, float]:
    """Bound a share of `n` exactly, each side with half of what the level leaves.

    Raises:
        UsageError: the level is no fraction.
    """
    require_fraction("level", level)
    tail, failures = 0.5 * (1.0 - level), n - successes
    low, high = 0.0, 1.0
    if successes:
        low = edge(lambda p: beta_cdf(p, successes, failures + 1) <= tail, 0.0, 1.0)
    if failures:
        high = edge(lambda p: beta_cdf(p, successes + 1, failures) >= 1.0 - tail, 1.0, 0.0)
    return low, high
