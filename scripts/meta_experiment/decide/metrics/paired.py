"""The same eval cases in both arms: one difference per case, which is all that is compared.

What a case has of its own (it is long, it is hard) is in both of its values and leaves their
difference. Repeats of a case are trials of one unit, so that a case counts once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from meta_experiment.decide.evidence import Evidence, beyond_reach, towards
from meta_experiment.decide.metrics.family import Design, PairBelief
from meta_experiment.decide.metrics.sample import Sample, moved
from meta_experiment.decide.reported import ReportedTest, evidence_by, minus_log
from meta_experiment.decide.scale import Bound, less_one, sign
from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.always_valid import difference_interval, ratio_interval, weigh
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.relative import MeanRatio, ratio_interval_once
from meta_experiment.stats.sequential import anytime
from meta_experiment.stats.special import beta_cdf
from meta_experiment.stats.ttest import Contrast, paired_contrast, t_test
from meta_experiment.types import AnalysisType, LiftPrior, Metric, Scale

PAIRED_T = "anytime-valid paired t"
SIGN_TEST = "sign_test"
ALIKE = "exact rule on cases that all change alike"

_ROUNDING = 16 * math.ulp(1.0)
_ALIKE_MESSAGE = (
    "the arms differ by the same in every case, expected some spread to hold it against"
)


def match(control: Sample, treatment: Sample) -> tuple[Sample, Sample]:
    """Return both arms' values of the cases measured in both, in the control's order."""
    if control.units == treatment.units:
        return control, treatment
    place = {unit: index for index, unit in enumerate(treatment.units)}
    shared = [index for index, unit in enumerate(control.units) if unit in place]
    return (
        control.picked(shared),
        treatment.picked([place[control.units[index]] for index in shared]),
    )


def differences(control: Sample, treatment: Sample, metric: Metric) -> tuple[float, ...]:
    """Return treatment minus control of every case, on the metric's scale, of matched arms.

    Differences that vary by no more than rounding are returned as equal: else the noise of
    the last digit would be the spread that they are held against.

    Raises:
        DegenerateDataError: there are fewer than two cases.
    """
    n = len(control)
    if n < 2:
        raise DegenerateDataError(
            f"{n} case{'' if n == 1 else 's'} measured in both arms, expected at least 2",
            hint="Run the same cases in both arms.",
        )
    found = tuple(b - a for a, b in zip(control.values, treatment.values, strict=True))
    largest = max(map(abs, (*control.values, *treatment.values)))
    if metric.scale is Scale.LOG:
        largest = max(1.0, largest)  # the value was rounded before its logarithm was
    if max(found) - min(found) <= _ROUNDING * largest:
        return (found[0],) * n
    return found


def evidence(control: Sample, treatment: Sample, metric: Metric, at: float) -> Evidence:
    """Return log e-values on matched arms that stay valid however often they are looked at.

    The one-sided anytime-valid t on the differences, treatment minus the control moved to
    the relative effect `at`; against a margin the sides that cases are on which do not vary.

    Raises:
        DegenerateDataError: fewer than two cases, or differences that are all the same.
    """
    null = moved(control, at, metric)
    if null is None:
        return beyond_reach(at)
    found = differences(null, treatment, metric)
    if at < 0 and (side := _one_side(control, treatment, found, metric)):
        return alike(side, len(found), metric)
    return weighed(found, metric)


def alike(change: float, cases: int, metric: Metric) -> Evidence:
    """Weigh cases that all change by the same, of at most 1 either way.

    A gambler who stakes a part λ of the capital on every case being better has it multiplied
    by 1 + λ·change, which is 1 on average when the arms are equal; here the mean over λ
    uniform on (0, 1) (Waudby-Smith and Ramdas 2024, JRSS-B 86(1)).
    """
    size = abs(change)
    steps, scale = cases + 1, math.log((cases + 1) * size)
    grown = steps * math.log1p(size)
    right = grown + math.log(-math.expm1(-grown)) - scale
    wrong = math.log1p(-((1.0 - size) ** steps)) - scale
    return towards(sign(metric) * (1 if change > 0 else -1), right, wrong, ALIKE)


def _one_side(
    control: Sample, treatment: Sample, found: Sequence[float], metric: Metric
) -> int:
    """Return 1 or -1, on which side of a margin all cases are that do not vary; 0 where none.

    A spread of nothing tells a t nothing, but each case is a throw of a coin under the null
    of "no better than the margin in half of the cases". That asks for more cases than a t whose
    spread is next to nothing. To be better takes being better than the control itself: cases
    that are alike in both arms may be such that nothing shows.
    """
    if not are_alike(found):
        return 0
    plain = [sign(metric) * change for change in differences(control, treatment, metric)]
    if min(plain) > 0:
        return sign(metric)
    return -sign(metric) if sign(metric) * found[0] < 0 else 0


def weighed(found: Sequence[float], metric: Metric) -> Evidence:
    """Return the log e-values of differences.

    Raises:
        DegenerateDataError: they are all the same.
    """
    t = weigh(_contrast(found))
    return towards(sign(metric), t.log_greater, t.log_less, PAIRED_T)


def test(
    kind: AnalysisType, control: Sample, treatment: Sample, metric: Metric
) -> ReportedTest:
    """Run the paired form of the test a plan asks for, on matched arms.

    `auto` is the t-test of the differences.

    Raises:
        DegenerateDataError: the cases carry no evidence for that test.
    """
    return _TESTS[kind](differences(control, treatment, metric))


def equivalence(control: Sample, treatment: Sample, metric: Metric, at: float) -> Evidence:
    """Return log e-values against the bounds of a margin, as `means.equivalence` weighs them.

    Raises:
        DegenerateDataError: the cases carry no evidence.
    """
    null = moved(control, at, metric)
    if null is None:
        return beyond_reach(at)
    t = anytime(_contrast(differences(null, treatment, metric)))
    return towards(sign(metric), t.log_e_greater, t.log_e_less, PAIRED_T)


def evidence_once(
    kind: AnalysisType, control: Sample, treatment: Sample, metric: Metric, at: float
) -> Evidence:
    """Return −log of a test's one-sided p-values, of the sign test where cases do not vary.

    Raises:
        DegenerateDataError: the cases carry no evidence for that test.
    """
    null = moved(control, at, metric)
    if at < 0 and null is not None:
        found = differences(null, treatment, metric)
        if side := _one_side(control, treatment, found, metric):
            done = sign_test([float(side)] * len(found))
            greater, less = minus_log(done.p_greater), minus_log(done.p_less)
            return towards(sign(metric), greater, less, SIGN_TEST)
    return evidence_by(test, kind, control, treatment, metric, at)


def interval_once(
    control: Sample, treatment: Sample, metric: Metric, level: float
) -> tuple[Bound, Bound]:
    """Bound the change from control to treatment at one look, on the metric's scale.

    Raises:
        DegenerateDataError: the cases carry no evidence.
    """
    found = differences(control, treatment, metric)
    contrast = _contrast(found)
    if metric.scale is Scale.LOG:
        test = t_test(contrast, level=level)
        return test.low, test.high
    means = _ratio(control, found)
    return (None, None) if means is None else less_one(ratio_interval_once(means, level))


def interval_always(
    control: Sample, treatment: Sample, metric: Metric, alpha: float
) -> tuple[Bound, Bound]:
    """Bound the change from control to treatment at all looks at once.

    Raises:
        DegenerateDataError: the cases carry no evidence.
    """
    found = differences(control, treatment, metric)
    contrast = _contrast(found)
    if metric.scale is Scale.LOG:
        return difference_interval(contrast, alpha)
    means = _ratio(control, found)
    return (None, None) if means is None else less_one(ratio_interval(means, alpha))


def _ratio(control: Sample, found: Sequence[float]) -> MeanRatio | None:
    """Return the means to be compared by their ratio; None where the control's is zero."""
    base, change = control.moments, Moments.of(found)
    if base.mean == 0:
        return None
    shared = math.fsum(
        (difference - change.mean) * (value - base.mean)
        for difference, value in zip(found, control.values, strict=True)
    )
    return MeanRatio.paired(base, change, shared)


def _contrast(found: Sequence[float]) -> Contrast:
    if are_alike(found):
        raise DegenerateDataError(_ALIKE_MESSAGE)
    return paired_contrast(Moments.of(found))


def _t_test(found: Sequence[float]) -> ReportedTest:
    done = t_test(_contrast(found))
    return ReportedTest(
        "paired_t", done.statistic, done.df, done.p_value, done.p_greater, done.p_less
    )


def _wilcoxon(found: Sequence[float]) -> ReportedTest:
    from meta_experiment.stats.ranks import wilcoxon_signed_rank

    done = wilcoxon_signed_rank(found)
    return ReportedTest(
        "wilcoxon_signed_rank", done.statistic, None, done.p_value, done.p_greater, done.p_less
    )


def sign_test(found: Sequence[float]) -> ReportedTest:
    """Count the cases that got higher against those that got lower, exactly (McNemar 1947)."""
    higher, lower = sum(d > 0 for d in found), sum(d < 0 for d in found)
    if higher + lower == 0:
        raise DegenerateDataError(
            "every case ends alike in both arms, expected some that do not"
        )
    greater, less = _at_least(higher, lower), _at_least(lower, higher)
    return ReportedTest(
        SIGN_TEST, float(higher), None, min(1.0, 2 * min(greater, less)), greater, less
    )


def _at_least(heads: int, tails: int) -> float:
    """Return the chance of so many heads or more in that many throws of a fair coin."""
    return beta_cdf(0.5, heads, tails + 1) if heads else 1.0


def _whole_sign_test(found: Sequence[float]) -> ReportedTest:
    if not are_whole(found):
        raise DegenerateDataError(
            "some cases differ by other than a whole outcome, expected one outcome per case",
            hint="Use analysis type t_test for the mean of several outcomes per case.",
        )
    return sign_test(found)


def _bayesian(found: Sequence[float]) -> ReportedTest:
    """Give the chance to be higher: the posterior of the mean difference is Student's t."""
    done = t_test(_contrast(found))
    up, down = done.p_less, done.p_greater
    return ReportedTest("bayesian_ab", up, None, None, p_greater=down, p_less=up)


_TESTS: dict[AnalysisType, Callable[[Sequence[float]], ReportedTest]] = {
    AnalysisType.AUTO: _t_test,
    AnalysisType.T_TEST: _t_test,
    AnalysisType.MANN_WHITNEY: _wilcoxon,
    AnalysisType.PROPORTION_TEST: _whole_sign_test,
    AnalysisType.BAYESIAN_AB: _bayesian,
}


def are_alike(found: Sequence[float]) -> bool:
    """Say whether all cases change by the same."""
    return min(found) == max(found)


def are_whole(found: Sequence[float]) -> bool:
    """Say whether every case changes by a whole outcome, or not at all."""
    return all(difference in (-1, 0, 1) for difference in found)


def _believe(
    control: Sample, treatment: Sample, metric: Metric, level: float, prior: LiftPrior | None
) -> PairBelief:
    from meta_experiment.decide.metrics.believing import of_pairs

    return of_pairs(control, treatment, metric, level, prior)


PAIRED_MEANS = Design(
    evidence=evidence,
    evidence_once=evidence_once,
    test=test,
    interval_once=interval_once,
    interval_always=interval_always,
    equivalence=equivalence,
    believe=_believe,
)
