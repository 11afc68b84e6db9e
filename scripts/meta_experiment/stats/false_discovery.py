"""False discoveries among many experiments: which of them stand together, by e-values.

e-BH (Wang and Ramdas 2022, "False discovery rate control with e-values", J. R. Statist. Soc. B
84(3)): of N e-values the k largest stand at level q where the smallest of these is at least
N / (q k), for the largest such k. The expected share of useless ones among those that stand is
at most q, whatever the e-values have to do with each other, and whenever each was stopped: a
stopped e-process is an e-value.

An e-value multiplied by 0 or 1 is one still, whatever decides between these. So what is no
candidate (an experiment that was not promoted) counts as 0: it enters N and needs no figure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from meta_experiment.errors import UsageError


def e_benjamini_hochberg(log_es: Sequence[float], among: int) -> list[float]:
    """Return the smallest level at which each of some log e-values stands among so many.

    The others are taken for e-values of 0. A level is at most 1.

    Raises:
        UsageError: on NaN, or where there are more e-values than experiments.
    """
    if any(math.isnan(value) for value in log_es):
        raise UsageError("a log e-value is NaN, expected numbers or ±inf")
    if len(log_es) > among:
        raise UsageError(f"{len(log_es)} e-values among {among}, expected at most so many")
    order = sorted(range(len(log_es)), key=log_es.__getitem__)
    levels = [1.0] * len(log_es)
    smallest = 1.0
    for rank, index in zip(range(len(order), 0, -1), order, strict=True):
        log_level = math.log(among / rank) - log_es[index]
        smallest = min(smallest, math.exp(min(0.0, log_level)))
        levels[index] = smallest
    return levels


def needed_e_value(among: int, standing: int, level: float) -> float:
    """Return the e-value at which one more stands beside those that do."""
    return among / (level * (standing + 1))
