"""Exact evidence at every look on the mean of values between 0 and 1, however distributed.

A gambler who stakes a part κ of the capital on every value being above the null m has it
multiplied by 1 + κ(x/m − 1), which is never negative and on average at most 1 where the mean is
m or less, whatever came before. So the capital is an e-process, and so is its mean over
gamblers (Waudby-Smith and Ramdas 2024, JRSS-B 86(1), section 4). Here κ is uniform on a grid in
(0, 1): a prior on a grid is a prior, so that no error of integration touches the guarantee. A
value at the null changes nothing, and of values 0, ½ and 1 against ½ this is a sign test.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from meta_experiment.errors import UsageError
from meta_experiment.stats.inputs import require_fraction
from meta_experiment.stats.log_sums import log_sum_exp
from meta_experiment.stats.root_finding import edge

_GAMBLERS = 64
_STAKES = tuple((number + 0.5) / _GAMBLERS for number in range(_GAMBLERS))
_LEAST = 1e-9  # a mean above none

Counts = Mapping[float, float]  # a value -> how often it came


def log_e_above(counts: Counts, null: float) -> float:
    """Return the log e-value for a mean above the null.

    Raises:
        UsageError: the null is not above 0, or a value not between 0 and 1.
    """
    if not null > 0 or not all(0 <= value <= 1 for value in counts):
        raise UsageError(f"Expected values from 0 to 1 and a null above 0, found {null:g}.")
    grown = [(value / null - 1.0, times) for value, times in counts.items()]
    return log_sum_exp(
        [
            math.fsum(times * math.log1p(stake * gain) for gain, times in grown)
            for stake in _STAKES
        ]
    ) - math.log(_GAMBLERS)


def lower_bound(counts: Counts, alpha: float) -> float:
    """Return the mean below which every null has e-values of 1/α or more, at all looks; else 0.

    Raises:
        UsageError: when alpha is no fraction.
    """
    require_fraction("alpha", alpha)
    bar = -math.log(alpha)

    def is_rejected(null: float) -> bool:
        return log_e_above(counts, null) >= bar

    return edge(is_rejected, _LEAST, 1.0) if is_rejected(_LEAST) else 0.0


def mirrored(counts: Counts) -> Counts:
    """Return the values as they are seen from 1."""
    return {1.0 - value: times for value, times in counts.items()}
