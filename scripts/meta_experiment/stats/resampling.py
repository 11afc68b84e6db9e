"""Tests and intervals by resampling; the caller brings the seeded generator.

And with it numpy, which the program itself does without: it is four fifths of what an
environment would hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from meta_experiment.errors import DegenerateDataError, UsageError
from meta_experiment.records import dataclass
from meta_experiment.stats.inputs import finite_floats, require_fraction
from meta_experiment.stats.special import normal_cdf, normal_ppf

if TYPE_CHECKING:
    from numpy import float64
    from numpy.random import Generator
    from numpy.typing import NDArray

_BATCH = 1_000_000  # numbers held at once


@dataclass(frozen=True, slots=True)
class ResamplingTest:
    """A Monte-Carlo test; the observed data count as one resample, so no p-value is zero.

    `p_greater` is small when treatment lies above control.
    """

    statistic: float
    p_value: float
    p_greater: float
    p_less: float
    resamples: int


@dataclass(frozen=True, slots=True)
class BootstrapInterval:
    """A statistic of treatment against control with its bootstrap bounds."""

    estimate: float
    low: float
    high: float


def permutation_test(
    control: Sequence[float],
    treatment: Sequence[float],
    rng: Generator,
    *,
    resamples: int = 9999,
) -> ResamplingTest:
    """Test the difference of means by dealing the values to the arms anew.

    Exact under exchangeability (Phipson and Smyth 2010, SAGMB 9(1), for the added one).

    Raises:
        DegenerateDataError: without values in an arm, on NaN, or when all values are equal.
        UsageError: without resamples.
    """
    import numpy as np

    _require_resamples(resamples)
    values = _varying([*control, *treatment])
    n_c, n_t = len(control), len(treatment)
    _require_arms(n_c, n_t)
    pool = np.asarray(values)
    total = float(pool.sum())

    def difference(sum_of_treatment: NDArray[float64]) -> NDArray[float64]:
        return sum_of_treatment / n_t - (total - sum_of_treatment) / n_c

    def draw(count: int) -> NDArray[float64]:
        dealt = rng.permuted(np.broadcast_to(pool, (count, len(pool))), axis=1)
        return difference(dealt[:, n_c:].sum(axis=1))

    observed = float(difference(np.asarray([pool[n_c:].sum()]))[0])
    return _test(observed, draw, resamples, len(pool), float(np.abs(pool).max()))


def sign_flip_test(
    differences: Sequence[float], rng: Generator, *, resamples: int = 9999
) -> ResamplingTest:
    """Test whether paired differences centre on zero by flipping their signs at random.

    Exact when each difference is symmetric under the null (Fisher 1935).

    Raises:
        DegenerateDataError: on NaN, or when no difference is other than zero.
        UsageError: without resamples.
    """
    import numpy as np

    _require_resamples(resamples)
    values = np.asarray(finite_floats(differences))
    if not np.any(values):
        raise DegenerateDataError("every difference is zero, expected some that are not")

    def draw(count: int) -> NDArray[float64]:
        signs = rng.integers(0, 2, size=(count, len(values))) * 2 - 1
        return _mean(signs * values)

    observed = float(values.mean())
    return _test(observed, draw, resamples, len(values), float(np.abs(values).max()))


def bootstrap_difference(
    control: Sequence[float],
    treatment: Sequence[float],
    rng: Generator,
    *,
    statistic: Callable[[NDArray[float64]], NDArray[float64]] | None = None,
    level: float = 0.95,
    resamples: int = 2000,
    bias_corrected: bool = True,
) -> BootstrapInterval:
    """Bound statistic(treatment) - statistic(control) by resampling units within arms.

    Args:
        control: unit values of the control.
        treatment: unit values of the treatment.
        rng: the seeded generator.
        statistic: reduces the last axis, several samples at once; the mean by default.
        level: confidence level.
        resamples: number of bootstrap samples.
        bias_corrected: BCa (Efron 1987, JASA 82), else the percentile interval.

    Raises:
        DegenerateDataError: without values in an arm, on NaN, or when all values are equal.
        UsageError: without resamples, or when the level is no fraction.
    """
    import numpy as np

    require_fraction("level", level)
    _require_resamples(resamples)
    _varying([*control, *treatment])
    arm_c, arm_t = np.asarray(control, dtype=float), np.asarray(treatment, dtype=float)
    _require_arms(len(arm_c), len(arm_t))
    reduce = statistic if statistic is not None else _mean
    estimate = float(reduce(arm_t[None, :])[0] - reduce(arm_c[None, :])[0])

    def draw(count: int) -> NDArray[float64]:
        again_c = rng.integers(0, len(arm_c), size=(count, len(arm_c)))
        again_t = rng.integers(0, len(arm_t), size=(count, len(arm_t)))
        return reduce(arm_t[again_t]) - reduce(arm_c[again_c])

    drawn = np.concatenate(list(_batches(draw, resamples, len(arm_c) + len(arm_t))))
    tails = 0.5 * (1.0 - level), 0.5 * (1.0 + level)
    if bias_corrected:
        below = float(np.mean(drawn < estimate) + 0.5 * np.mean(drawn == estimate))
        below = min(max(below, 0.5 / resamples), 1.0 - 0.5 / resamples)
        tails = _corrected(tails, normal_ppf(below), _acceleration(arm_c, arm_t, reduce))
    low, high = np.quantile(drawn, tails)
    return BootstrapInterval(estimate, float(low), float(high))


def _mean(samples: NDArray[float64]) -> NDArray[float64]:
    result: NDArray[float64] = samples.mean(axis=-1)
    return result


def _acceleration(
    control: NDArray[float64],
    treatment: NDArray[float64],
    reduce: Callable[[NDArray[float64]], NDArray[float64]],
) -> float:
    """Return BCa's skewness from the jackknife influences of both arms (Efron 1987, 6.6)."""
    import numpy as np

    cubes = squares = 0.0
    for sign, arm in ((-1.0, control), (1.0, treatment)):
        n = len(arm)
        if n < 2:
            continue
        left_out = np.asarray([float(reduce(np.delete(arm, k)[None, :])[0]) for k in range(n)])
        influence = sign * (n - 1) * (left_out.mean() - left_out) / n
        cubes += float((influence**3).sum())
        squares += float((influence**2).sum())
    return cubes / (6.0 * squares**1.5) if squares > 0.0 else 0.0


def _corrected(
    tails: tuple[float, float], bias: float, acceleration: float
) -> tuple[float, float]:
    def move(tail: float) -> float:
        z = bias + normal_ppf(tail)
        return normal_cdf(bias + z / (1.0 - acceleration * z))

    return move(tails[0]), move(tails[1])


def _test(
    observed: float,
    draw: Callable[[int], NDArray[float64]],
    resamples: int,
    width: int,
    magnitude: float,
) -> ResamplingTest:
    import numpy as np

    # resamples that tie with the data in exact arithmetic differ from them by rounding
    slack = 1e-12 * magnitude
    upper = lower = 1
    for drawn in _batches(draw, resamples, width):
        upper += int(np.count_nonzero(drawn >= observed - slack))
        lower += int(np.count_nonzero(drawn <= observed + slack))
    p_greater, p_less = upper / (resamples + 1), lower / (resamples + 1)
    return ResamplingTest(
        observed, min(1.0, 2.0 * min(p_greater, p_less)), p_greater, p_less, resamples
    )


def _batches(
    draw: Callable[[int], NDArray[float64]], resamples: int, width: int
) -> list[NDArray[float64]]:
    size = max(1, _BATCH // width)
    counts = [size] * (resamples // size)
    if resamples % size:
        counts.append(resamples % size)
    return [draw(count) for count in counts]


def _varying(values: Sequence[float]) -> list[float]:
    numbers = finite_floats(values)
    if not numbers or min(numbers) == max(numbers):
        raise DegenerateDataError(
            "the values do not vary at all, expected some spread in at least one arm"
        )
    return numbers


def _require_arms(n_control: int, n_treatment: int) -> None:
    if n_control == 0 or n_treatment == 0:
        raise DegenerateDataError(
            f"{n_control} control and {n_treatment} treatment values, expected both arms",
            hint="record more trials",
        )


def _require_resamples(resamples: int) -> None:
    if resamples < 1:
        raise UsageError(f"{resamples!r} resamples, expected at least one")
