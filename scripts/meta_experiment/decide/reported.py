"""The test that is reported beside the deciding rule, and that decides under `fixed`."""

from __future__ import annotations

import math
from collections.abc import Callable

from meta_experiment.decide.scale import Bound
from meta_experiment.decide.units import Sample
from meta_experiment.errors import DegenerateDataError
from meta_experiment.records import dataclass
from meta_experiment.stats.bayes import beta_binomial
from meta_experiment.stats.lift import lift_fieller
from meta_experiment.stats.proportion import fisher_exact, pooled_z
from meta_experiment.stats.ranks import mann_whitney
from meta_experiment.stats.rate_ratio import rate_ratio
from meta_experiment.stats.special import normal_sf
from meta_experiment.stats.ttest import welch
from meta_experiment.types import AnalysisType, Metric, MetricKind, Scale

_FEWEST_EXPECTED = 5.0  # Cochran's rule for the normal approximation of a 2 × 2 table


_WHY = {
    "fisher_exact": "Fisher's exact test, because one of the outcomes is rare",
    "proportion_z": "the z-test of two rates, because every unit has one outcome",
    "welch_t": "Welch's t-test, because some units are the mean of several outcomes",
}


@dataclass(frozen=True, slots=True)
class Reported:
    """A test of treatment against control in the metric's own direction.

    `p_greater` is small when the treatment's values are the higher ones; `p_value` is
    two-sided. For `bayesian_ab` there is none: `statistic` is the chance that the treatment's
    values are the higher ones.
    """

    name: str
    statistic: float | None
    df: float | None
    p_value: float | None
    p_greater: float
    p_less: float


def reported_test(
    kind: AnalysisType, control: Sample, treatment: Sample, metric: Metric
) -> Reported:
    """Run the test a plan asks for; `auto` chooses by the kind of the metric and the sample.

    Raises:
        DegenerateDataError: the samples carry no evidence for that test.
    """
    if not (len(control) and len(treatment)):
        raise DegenerateDataError("an arm has no values yet")
    return _TESTS[chosen(kind, control, treatment, metric)](control, treatment)


def fixed_interval(
    control: Sample, treatment: Sample, metric: Metric, level: float
) -> tuple[Bound, Bound]:
    """Bound the change from control to treatment at one look, on the metric's scale.

    On the log scale the difference of logarithms, by Welch's t; on the raw scale treatment
    over control minus one, by Fieller's method, and for rates by their likelihood.

    Raises:
        DegenerateDataError: the samples carry no evidence.
    """
    one, other = control.moments, treatment.moments
    if metric.scale is Scale.LOG:
        test = welch(one, other, level=level)
        return test.low, test.high
    if one.mean == 0:
        return None, None
    if metric.kind is MetricKind.PROPORTION:
        return less_one(rate_ratio(*counts(control, treatment), level=level))
    lift = lift_fieller(one, other, level=level)
    return lift.low, lift.high


def counts(control: Sample, treatment: Sample) -> tuple[float, int, float, int]:
    """Return successes and units of both arms; a unit of several outcomes counts in part."""
    return (
        math.fsum(control.values),
        len(control),
        math.fsum(treatment.values),
        len(treatment),
    )


def less_one(ratio: tuple[float, Bound]) -> tuple[float, Bound]:
    """Turn bounds of a ratio into bounds of its difference from one."""
    low, high = ratio
    return low - 1.0, None if high is None else high - 1.0


def tells_all_apart(control: Sample, treatment: Sample, metric: Metric) -> bool:
    """Say whether all units of one arm succeeded and all of the other failed.

    Counts are evidence then, although the values do not vary within the arms.
    """
    return (
        metric.kind is MetricKind.PROPORTION
        and control.moments.m2 == treatment.moments.m2 == 0
        and control.values[0] != treatment.values[0]
    )


def chosen(kind: AnalysisType, control: Sample, treatment: Sample, metric: Metric) -> str:
    """Return the name of the test that a plan's analysis type comes to for these samples."""
    if kind is not AnalysisType.AUTO:
        return kind.value
    if metric.kind is not MetricKind.PROPORTION or not _is_binary(control, treatment):
        return AnalysisType.T_TEST.value
    if _smallest_expected(control, treatment) < _FEWEST_EXPECTED:
        return "fisher_exact"
    return AnalysisType.PROPORTION_TEST.value


def why(name: str, metric: Metric) -> str | None:
    """Say why `auto` chose this test for a rate; for other metrics there is nothing to say."""
    if metric.kind is not MetricKind.PROPORTION or name not in _WHY:
        return None
    return f"{metric.name} is compared by {_WHY[name]}."


def _t_test(control: Sample, treatment: Sample) -> Reported:
    test = welch(control.moments, treatment.moments)
    return Reported(
        "welch_t", test.statistic, test.df, test.p_value, test.p_greater, test.p_less
    )


def _proportion_test(control: Sample, treatment: Sample) -> Reported:
    _require_binary(control, treatment)
    test = pooled_z(*_whole_counts(control, treatment))
    return Reported(
        "proportion_z", test.statistic, None, test.p_value, test.p_greater, test.p_less
    )


def _fisher(control: Sample, treatment: Sample) -> Reported:
    test = fisher_exact(*_whole_counts(control, treatment))
    return Reported("fisher_exact", None, None, test.p_value, test.p_greater, test.p_less)


def _mann_whitney(control: Sample, treatment: Sample) -> Reported:
    test = mann_whitney(control.values, treatment.values)
    return Reported(
        "mann_whitney", test.statistic, None, test.p_value, test.p_greater, test.p_less
    )


def _bayesian(control: Sample, treatment: Sample) -> Reported:
    """Give the chance to be higher under a flat prior; its complement serves as p-value."""
    if _is_binary(control, treatment):
        successes, n, more, m = _whole_counts(control, treatment)
        up = beta_binomial(successes, n, more, m).chance_better
        down = beta_binomial(more, m, successes, n).chance_better
    else:
        z = welch(control.moments, treatment.moments).statistic
        up, down = normal_sf(-z), normal_sf(z)
    return Reported("bayesian_ab", up, None, None, p_greater=down, p_less=up)


_TESTS: dict[str, Callable[[Sample, Sample], Reported]] = {
    AnalysisType.T_TEST.value: _t_test,
    AnalysisType.MANN_WHITNEY.value: _mann_whitney,
    AnalysisType.PROPORTION_TEST.value: _proportion_test,
    AnalysisType.BAYESIAN_AB.value: _bayesian,
    "fisher_exact": _fisher,
}


def _is_binary(control: Sample, treatment: Sample) -> bool:
    return all(value in (0, 1) for sample in (control, treatment) for value in sample.values)


def _require_binary(control: Sample, treatment: Sample) -> None:
    if not _is_binary(control, treatment):
        raise DegenerateDataError(
            "some units have values other than 0 and 1, expected one outcome per unit",
            hint="Use analysis type t_test for the mean of several outcomes per unit.",
        )


def _whole_counts(control: Sample, treatment: Sample) -> tuple[int, int, int, int]:
    successes, n, more, m = counts(control, treatment)
    return round(successes), n, round(more), m


def _smallest_expected(control: Sample, treatment: Sample) -> float:
    successes, n, more, m = counts(control, treatment)
    rate = (successes + more) / (n + m)
    return min(n, m) * min(rate, 1 - rate)
