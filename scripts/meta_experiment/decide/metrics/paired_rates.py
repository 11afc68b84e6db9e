"""Rates of the same eval cases in both arms."""

from __future__ import annotations

from meta_experiment.decide.evidence import NOTHING, Evidence, beyond_reach, towards
from meta_experiment.decide.metrics import paired
from meta_experiment.decide.metrics.family import Design
from meta_experiment.decide.metrics.rates import as_decided
from meta_experiment.decide.metrics.sample import Sample, moved
from meta_experiment.decide.reported import ReportedTest, evidence_by, minus_log
from meta_experiment.decide.scale import Bound, less_one, sign
from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.paired_rate_ratio import Cases, cases_of, paired_rate_ratio
from meta_experiment.types import AnalysisType, Metric

SCORE = "score of two rates of the same cases"


def evidence(control: Sample, treatment: Sample, metric: Metric, at: float) -> Evidence:
    """Return log e-values on matched arms that stay valid however often they are looked at.

    Those of the t on the differences: exact for normal ones, it kept below its level on
    differences of 0 and ±1 (simulated). It knows nothing of rates that change by the same in
    every case, which are weighed by `paired.alike`.

    Raises:
        DegenerateDataError: fewer than two cases, or cases that do not change at all.
    """
    null = moved(control, at, metric)
    if null is None:
        return beyond_reach(at)
    found = paired.differences(null, treatment, metric)
    if at == 0 and paired.are_alike(found) and found[0]:
        return paired.alike(found[0], len(found), metric)
    return paired.weighed(found, metric)


def test(
    kind: AnalysisType, control: Sample, treatment: Sample, metric: Metric
) -> ReportedTest:
    """Run the paired form of the test a plan asks for, on matched arms.

    `auto` is the exact sign test where a rate changes by a whole outcome per case, or by the
    same in all, and else the t-test of the differences.

    Raises:
        DegenerateDataError: the cases carry no evidence for that test.
    """
    if kind is AnalysisType.AUTO:
        found = paired.differences(control, treatment, metric)
        if paired.are_whole(found) or paired.are_alike(found):
            return paired.sign_test(found)
    return paired.test(kind, control, treatment, metric)


def evidence_once(
    kind: AnalysisType, control: Sample, treatment: Sample, metric: Metric, at: float
) -> Evidence:
    """Return −log of a test's one-sided p-values, against a margin those of the pairs.

    Not of a t there, which takes cases that all succeed for certain.

    Raises:
        DegenerateDataError: the cases carry no evidence for that test.
    """
    if at == 0:
        return evidence_by(test, kind, control, treatment, metric, at)
    ratio = 1.0 + sign(metric) * at
    if ratio <= 0:
        return beyond_reach(at)
    greater, less = _cases(control, treatment).tails(ratio)
    return towards(sign(metric), minus_log(greater), minus_log(less), SCORE)


def interval_once(
    control: Sample, treatment: Sample, metric: Metric, level: float
) -> tuple[Bound, Bound]:
    """Bound the change at one look by the test against a margin, on the side that decides.

    From a control without a success the change is bounded from below alone.

    Raises:
        DegenerateDataError: no case is measured in both arms.
    """
    bounds = less_one(paired_rate_ratio(_cases(control, treatment), level=level))
    try:
        decided = evidence_once(AnalysisType.AUTO, control, treatment, metric, 0.0)
    except DegenerateDataError:  # no case changes, which speaks of margins alone
        decided = NOTHING
    return as_decided(bounds, decided, metric, 0.5 * (1.0 - level))


def _cases(control: Sample, treatment: Sample) -> Cases:
    if not len(control):
        raise DegenerateDataError("no case is measured in both arms")
    return cases_of(control.values, treatment.values)


def interval_always(
    control: Sample, treatment: Sample, metric: Metric, alpha: float
) -> tuple[Bound, Bound]:
    """Bound the change at all looks at once; rates that all change alike set no bounds.

    But for its side, where the evidence tells that (see `rates.as_decided`).
    """
    bounds: tuple[Bound, Bound] = (None, None)
    if not paired.are_alike(paired.differences(control, treatment, metric)):
        bounds = paired.interval_always(control, treatment, metric, alpha)
    return as_decided(bounds, evidence(control, treatment, metric, 0.0), metric, alpha)


PAIRED_RATES = Design(
    evidence=evidence,
    evidence_once=evidence_once,
    test=test,
    interval_once=interval_once,
    interval_always=interval_always,
    equivalence=paired.equivalence,
    believe=paired.PAIRED_MEANS.believe,
)
