"""The test that is reported beside the deciding rule, and that decides at a single look."""

from __future__ import annotations

import math
from collections.abc import Callable

from meta_experiment.decide.evidence import Evidence, beyond_reach, towards
from meta_experiment.decide.metrics.sample import Sample, moved
from meta_experiment.decide.scale import sign
from meta_experiment.errors import DegenerateDataError
from meta_experiment.records import dataclass
from meta_experiment.stats.special import normal_sf
from meta_experiment.stats.ttest import welch
from meta_experiment.types import AnalysisType, Metric


@dataclass(frozen=True, slots=True)
class ReportedTest:
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


TwoSampleTest = Callable[[Sample, Sample], ReportedTest]
Test = Callable[[AnalysisType, Sample, Sample, Metric], ReportedTest]


def reported_test(
    chosen: Callable[[Sample, Sample], TwoSampleTest],
    kind: AnalysisType,
    control: Sample,
    treatment: Sample,
    metric: Metric,
) -> ReportedTest:
    """Run the test a plan asks for, where that is `auto` the one `chosen` for the samples.

    Raises:
        DegenerateDataError: the samples carry no evidence for that test.
    """
    del metric
    if not (len(control) and len(treatment)):
        raise DegenerateDataError("an arm has no values yet")
    test = chosen(control, treatment) if kind is AnalysisType.AUTO else _TESTS[kind]
    return test(control, treatment)


def evidence_by(
    test: Test,
    kind: AnalysisType,
    control: Sample,
    treatment: Sample,
    metric: Metric,
    at: float,
) -> Evidence:
    """Return −log of a test's one-sided p-values against a relative effect."""
    null = moved(control, at, metric)
    if null is None:
        return beyond_reach(at)
    done = test(kind, null, treatment, metric)
    return towards(sign(metric), minus_log(done.p_greater), minus_log(done.p_less), done.name)


def minus_log(p: float) -> float:
    """Return the log evidence that a p-value is."""
    return -math.log(p) if p > 0 else math.inf


def counts(control: Sample, treatment: Sample) -> tuple[float, int, float, int]:
    """Return successes and units of both arms; a unit of several outcomes counts in part."""
    return (
        control.total,
        len(control),
        treatment.total,
        len(treatment),
    )


def t_test(control: Sample, treatment: Sample) -> ReportedTest:
    """Run Welch's t-test."""
    test = welch(control.moments, treatment.moments)
    return ReportedTest(
        "welch_t", test.statistic, test.df, test.p_value, test.p_greater, test.p_less
    )


def proportion_test(control: Sample, treatment: Sample) -> ReportedTest:
    """Run the z-test of two rates.

    Raises:
        DegenerateDataError: some units have more than one outcome.
    """
    from meta_experiment.stats.proportion import pooled_z

    _require_binary(control, treatment)
    test = pooled_z(*whole_counts(control, treatment))
    return ReportedTest(
        "proportion_z", test.statistic, None, test.p_value, test.p_greater, test.p_less
    )


def _mann_whitney(control: Sample, treatment: Sample) -> ReportedTest:
    from meta_experiment.stats.ranks import mann_whitney

    test = mann_whitney(control.values, treatment.values)
    return ReportedTest(
        "mann_whitney", test.statistic, None, test.p_value, test.p_greater, test.p_less
    )


def _bayesian(control: Sample, treatment: Sample) -> ReportedTest:
    """Give the chance to be higher under a flat prior; its complement serves as p-value."""
    if _is_binary(control, treatment):
        from meta_experiment.stats.bayes import beta_binomial

        successes, n, more, m = whole_counts(control, treatment)
        up = beta_binomial(successes, n, more, m).chance_better
        down = beta_binomial(more, m, successes, n).chance_better
    else:
        z = welch(control.moments, treatment.moments).statistic
        up, down = normal_sf(-z), normal_sf(z)
    return ReportedTest("bayesian_ab", up, None, None, p_greater=down, p_less=up)


_TESTS: dict[AnalysisType, TwoSampleTest] = {
    AnalysisType.T_TEST: t_test,
    AnalysisType.MANN_WHITNEY: _mann_whitney,
    AnalysisType.PROPORTION_TEST: proportion_test,
    AnalysisType.BAYESIAN_AB: _bayesian,
}


def _is_binary(control: Sample, treatment: Sample) -> bool:
    return control.is_binary and treatment.is_binary


def _require_binary(control: Sample, treatment: Sample) -> None:
    if not _is_binary(control, treatment):
        raise DegenerateDataError(
            "some units have values other than 0 and 1, expected one outcome per unit",
            hint="Use analysis type t_test for the mean of several outcomes per unit.",
        )


def whole_counts(control: Sample, treatment: Sample) -> tuple[int, int, int, int]:
    """Return successes and units of both arms, whose units have one outcome each."""
    successes, n, more, m = counts(control, treatment)
    return round(successes), n, round(more), m
