"""Two arms known by their sums alone: compared at once, nothing is recorded."""

from __future__ import annotations

from dataclasses import replace

from meta_experiment.decide.metrics.rates import chosen
from meta_experiment.decide.metrics.sample import SummarySample
from meta_experiment.sources.results.sums import Counts, Sums
from meta_experiment.stats.effect import hedges_g
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.proportion import newcombe, wilson
from meta_experiment.stats.ttest import welch
from meta_experiment.types import Direction
from meta_experiment.types.results.sums import ArmSums, SumsComparison

LEVEL = 0.95
LIMITS = (
    (
        "Sums hold one look: had they been looked at before, or would they be looked at "
        "again, the p-value is too small. No decision is made on them."
    ),
    (
        "They do not show whether values are independent: repeats of one case or turns of "
        "one session counted as many make the interval too narrow."
    ),
    (
        "They cannot be paired by case, nor compared as ratios on the log scale, nor searched "
        "for outliers, drift or values that went missing."
    ),
)


def compare_sums(sums: Sums, direction: Direction | None, unit: str = "") -> SumsComparison:
    """Compare two arms by their sums.

    Counts: the test that an analysis of the same outcomes reports, and Newcombe's interval of
    the difference (method 10). Means: Welch's t-test. All two-sided.

    Raises:
        DegenerateDataError: both arms are constant.
    """
    control, treatment = sums.control, sums.treatment
    if isinstance(control, Counts) and isinstance(treatment, Counts):
        return _counts(sums.names, control, treatment, direction or Direction.HIGHER)
    if isinstance(control, Moments) and isinstance(treatment, Moments):
        return replace(_means(sums.names, control, treatment, direction), unit=unit)
    raise TypeError("both arms are of one kind")  # parse_sums sees to it


def _counts(
    names: tuple[str, str], control: Counts, treatment: Counts, direction: Direction
) -> SumsComparison:
    figures = (control.successes, control.n, treatment.successes, treatment.n)
    one, other = (
        ArmSums(name, arm.n, arm.successes / arm.n, None, bounds.low, bounds.high)
        for name, arm in zip(names, (control, treatment), strict=True)
        for bounds in [wilson(arm.successes, arm.n, level=LEVEL)]
    )
    interval = newcombe(*figures, level=LEVEL)
    samples = [SummarySample.of_counts(arm.successes, arm.n) for arm in (control, treatment)]
    test = chosen(*samples)(*samples)
    if test.p_value is None:
        raise TypeError(f"{test.name} of two rates has a p-value")
    return _comparison(
        one,
        other,
        test.name,
        (interval.low, interval.high),
        test.p_value,
        None,
        direction,
    )


def _means(
    names: tuple[str, str], control: Moments, treatment: Moments, direction: Direction | None
) -> SumsComparison:
    one, other = (
        ArmSums(name, arm.n, arm.mean, arm.sd, None, None)
        for name, arm in zip(names, (control, treatment), strict=True)
    )
    test = welch(control, treatment, level=LEVEL)
    return _comparison(
        one,
        other,
        "welch_t",
        (test.low, test.high),
        test.p_value,
        hedges_g(control, treatment),
        direction,
    )


def _comparison(
    control: ArmSums,
    treatment: ArmSums,
    test: str,
    interval: tuple[float, float],
    p_value: float,
    size: float | None,
    direction: Direction | None,
) -> SumsComparison:
    difference = treatment.mean - control.mean
    better = None
    if direction is not None and difference:
        better = (difference > 0) == (direction is Direction.HIGHER)
    return SumsComparison(
        control,
        treatment,
        test,
        difference,
        difference / abs(control.mean) if control.mean else None,
        *interval,
        p_value,
        size,
        better,
        LEVEL,
        LIMITS,
    )
