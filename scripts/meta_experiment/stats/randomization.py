"""Evidence from the draw of the arms alone: whatever the values are distributed like.

Under "no effect on anyone" a unit's value does not depend on its arm, so that all chance lies
in the assignment, whose distribution is known. For scores u of the units and an effect θ the
factor exp(θ Σ u of the treated) over its mean across the assignments that could have been drawn
has expectation one; products over groups of units that were drawn apart, averaged over θ, are
an e-process at the ends of the groups (a randomization test, Fisher 1935, by e-values; Koning
and van Meer 2025, arXiv 2310.01153; mixtures: Vovk and Wang 2021, Ann. Statist. 49(3)). The
scores of a group may rest on all units up to its end, their arms ignored.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from meta_experiment.records import dataclass
from meta_experiment.stats.concave_mixture import log_mixture
from meta_experiment.stats.log_sums import log_add
from meta_experiment.stats.mixed_prior import EFFECTS

_LARGEST_EXPONENT = 700.0


@dataclass(frozen=True, slots=True)
class Part:
    """Units of which so many were treated, any of them as likely as any other."""

    length: int
    treated: int


Layout = tuple[Part, ...]
"""Parts of a group in a row, each drawn apart."""


@dataclass(frozen=True, slots=True)
class Group:
    """Units that were drawn together: who was treated (0 or 1), their scores, how it was drawn.

    `layouts` are the equally likely ways in which the group falls into parts. A unit whose
    value is not known has score 0.
    """

    treated: Sequence[int]
    scores: Sequence[float]
    layouts: Sequence[Layout]


def log_e_of_groups(groups: Iterable[Group], sign: int) -> float:
    """Weigh groups that were drawn one after the other, each complete.

    The log e-value is large where the treated have greater scores, or less with a sign of -1.
    """
    known = list(groups)
    seen = math.fsum(
        u for group in known for z, u in zip(group.treated, group.scores, strict=True) if z
    )

    def total(theta: float) -> float:
        return theta * seen - math.fsum(
            _log_mean(theta, group.scores, group.layouts) for group in known
        )

    return log_mixture(total, EFFECTS, sign)


def log_e_of_draws(
    probabilities: Sequence[float], treated: Sequence[int], scores: Sequence[float], sign: int
) -> float:
    """Weigh units drawn one by one, each treated with a probability known before its draw.

    The log e-value is large where the treated have greater scores, or less with a sign of -1.
    """
    units = [  # a score of zero tells nothing
        (u, p, 1.0 - p) for p, u in zip(probabilities, scores, strict=True) if u
    ]
    seen = math.fsum(u for z, u in zip(treated, scores, strict=True) if z)
    farthest = max((abs(u) for u, _, _ in units), default=0.0)
    exp, log = math.exp, math.log

    def total(theta: float) -> float:
        if abs(theta) * farthest < _LARGEST_EXPONENT:
            means = [log(q + p * exp(theta * u)) for u, p, q in units]
        else:
            means = [log_add(log(p) + theta * u, log(q)) for u, p, q in units]
        return theta * seen - math.fsum(means)

    return log_mixture(total, EFFECTS, sign)


def _log_mean(theta: float, scores: Sequence[float], layouts: Sequence[Layout]) -> float:
    """Return the log of the mean of exp(θ Σ u of the treated) over all that could be drawn."""
    treated = sum(part.treated for part in layouts[0])
    if abs(theta) * max(map(abs, scores)) * treated < _LARGEST_EXPONENT:
        top = 0.0
        x = [math.exp(theta * u) for u in scores]
    else:
        top = max(theta * max(scores), theta * min(scores))
        x = [math.exp(max(-_LARGEST_EXPONENT, theta * u - top)) for u in scores]
    means = []
    for layout in layouts:
        start, product = 0, 1.0
        for part in layout:
            end = start + part.length
            product *= symmetric_mean(x[start:end], part.treated)
            start = end
        means.append(product)
    return math.log(math.fsum(means) / len(means)) + treated * top


def symmetric_mean(x: Sequence[float], k: int) -> float:
    """Return the mean of the products of k of these positive numbers, over all choices of k.

    The elementary symmetric polynomial over its number of terms; all terms are positive, so
    that nothing cancels.
    """
    if k == 2 and len(x) == 4:
        a, b, c, d = x
        return (a * b + (a + b) * (c + d) + c * d) / 6.0
    if k == 3 and len(x) == 6:
        a, b, c, d, e, f = x
        ab, de, s, t = a * b, d * e, a + b, d + e
        one, two, three = s + c, ab + s * c, ab * c
        uno, due, tre = t + f, de + t * f, de * f
        return (three + two * uno + one * due + tre) / 20.0
    sums = [1.0] + [0.0] * k
    for value in x:
        for j in range(k, 0, -1):
            sums[j] += value * sums[j - 1]
    return sums[k] / math.comb(len(x), k)
