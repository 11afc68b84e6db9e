"""Equal arms: by how much they differ by chance, from repeats and from an A/A arm."""

from __future__ import annotations

import math
from collections.abc import Sequence

from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.special import t_isf

_TAIL = 0.025  # on each side: 19 of 20 lie between


def bound_by_repeats(cells: Sequence[Sequence[float]], arms: int) -> float | None:
    """Return the difference that 19 of 20 pairs of equal arms stay below.

    `cells` are the repeats of each case in each of so many arms. The arms have the same cases,
    so that what remains of a difference is what repeats of one case differ by. None where no
    case has several repeats.
    """
    known = [repeats for repeats in cells if repeats]
    freedom = sum(len(repeats) - 1 for repeats in known)
    if not freedom:
        return None
    squares = math.fsum(Moments.of(repeats).m2 for repeats in known)
    cases = len(known) / arms
    # a mean over cases of means over repeats, in two arms
    variance = 2 * squares / freedom * math.fsum(1 / len(one) for one in known) / len(known)
    return t_isf(_TAIL, freedom) * math.sqrt(variance / cases)


def bound_by_arm(differences: Sequence[float]) -> float | None:
    """Return the difference that 19 of 20 A/A arms stay below, by those of one's cases.

    None with fewer than two cases.
    """
    try:
        moments = Moments.of(differences)
        spread = moments.sd
    except DegenerateDataError:
        return None
    return t_isf(_TAIL, moments.n - 1) * spread / math.sqrt(moments.n)
