"""The chance of each of several arms to be the best, by quadrature over all of them at once.

The chance of arm k is the integral of f_k ∏ F_j over the other arms j, f and F being density
and distribution function of what is believed of an arm. Draws would be right to three digits in
the time in which this is right to nine.
"""

from __future__ import annotations

from collections.abc import Sequence

from meta_experiment.errors import UsageError
from meta_experiment.stats.beliefs import RateLogit, StudentMean, chances_to_be_highest
from meta_experiment.stats.inputs import require_counts
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.ttest import require_spread


def best_rate(
    counts: Sequence[tuple[int, int]],
    *,
    lower: bool = False,
    prior: tuple[float, float] = (1.0, 1.0),
) -> list[float]:
    """Return each arm's chance to have the highest rate of success, or the lowest.

    `counts` are successes and trials of each arm; every rate has the same Beta prior. The
    chances sum to one within 1e-8.

    Raises:
        UsageError: without arms, when successes do not fit into trials, or a prior parameter
            is below 0.1.
    """
    if not min(prior) >= 0.1:
        raise UsageError(f"a Beta prior with {prior!r}, expected both numbers from 0.1 up")
    for successes, trials in counts:
        require_counts(successes, trials)
    a, b = prior
    shapes = [(k + a, n - k + b) for k, n in counts]
    return chances_to_be_highest(
        [RateLogit(*(shape[::-1] if lower else shape)) for shape in shapes]
    )


def best_mean(arms: Sequence[Moments], *, lower: bool = False) -> list[float]:
    """Return each arm's chance to have the highest mean, or the lowest.

    A mean is believed to be t(n - 1) about the observed one, with its standard error as the
    scale: the posterior under a flat prior on the mean and on the log of the standard deviation
    (Gelman et al. 2013, Bayesian Data Analysis, 3.2). The chances sum to one within 1e-8.

    Raises:
        UsageError: without arms.
        DegenerateDataError: when an arm has fewer than two values, or all its values are one.
    """
    for arm in arms:
        require_spread(arm.variance)
    sign = -1.0 if lower else 1.0
    return chances_to_be_highest(
        [
            StudentMean(sign * arm.minus(arms[0]), arm.standard_error, arm.n - 1.0)
            for arm in arms
        ]
    )
