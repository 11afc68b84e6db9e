"""Preferences: how often a treatment's work is preferred to the control's on the same case.

A trial of a treatment has 1 where its work was preferred, 0 where the control's was and ½ where
neither. The control's is ½, as against itself, so that the relative effect is what is won less
what is lost: 0.7 is 40% better. Compared is the treatment's mean with ½, exactly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from meta_experiment.decide.evidence import Evidence, beyond_reach, towards
from meta_experiment.decide.metrics import paired_rates
from meta_experiment.decide.metrics.family import Design
from meta_experiment.decide.metrics.prospect import Prospect
from meta_experiment.decide.metrics.rates import RATES, as_decided
from meta_experiment.decide.metrics.sample import Sample, unit_values, why_not_number
from meta_experiment.decide.reported import ReportedTest, evidence_by
from meta_experiment.decide.scale import Bound, sign
from meta_experiment.decide.units import Arm
from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.bounded_mean import Counts, log_e_above, lower_bound, mirrored
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.root_finding import fewest, root
from meta_experiment.stats.special import beta_cdf
from meta_experiment.types import AnalysisType, Comparison, Metric, Plan

EVEN = 0.5
GAMBLE = "exact gamble on preferences"
NOT_A_SHARE = "not_a_share"


def sample(arm: Arm, metric: Metric, stretch: float) -> Sample:
    """Return one share per case."""
    del stretch
    return unit_values(arm, metric, why_not=_why_not_share)


def _why_not_share(value: float, metric: Metric) -> str | None:
    return NOT_A_SHARE if not 0 <= value <= 1 else why_not_number(value, metric)


def evidence(control: Sample, treatment: Sample, metric: Metric, at: float) -> Evidence:
    """Return log e-values on matched arms that stay valid however often they are looked at.

    Raises:
        DegenerateDataError: no case is measured in both arms, or the control has been
            preferred to itself.
    """
    return _weighed(_counts(control, treatment), metric, at)


def expected(control: Moments, treatment: Moments, metric: Metric, at: float) -> Evidence:
    """Return the log e-values of so many cases of which none is a tie."""
    del control
    won = treatment.n * treatment.mean
    return _weighed({1.0: won, 0.0: treatment.n - won}, metric, at)


def _weighed(counts: Counts, metric: Metric, at: float) -> Evidence:
    null = EVEN * (1.0 + sign(metric) * at)
    if not 0 < null < 1:
        return beyond_reach(at)
    above, below = log_e_above(counts, null), log_e_above(mirrored(counts), 1.0 - null)
    return towards(sign(metric), above, below, GAMBLE)


def test(
    kind: AnalysisType, control: Sample, treatment: Sample, metric: Metric
) -> ReportedTest:
    """Run the paired form of the test a plan asks for: by itself the sign test, without ties.

    Raises:
        DegenerateDataError: the cases carry no evidence for that test.
    """
    whole = 1 / EVEN  # a case that is won or lost changes by 1
    return paired_rates.test(kind, control.scaled(whole), treatment.scaled(whole), metric)


def evidence_once(
    kind: AnalysisType, control: Sample, treatment: Sample, metric: Metric, at: float
) -> Evidence:
    """Return −log of a test's one-sided p-values; against a margin the evidence at every look.

    Raises:
        DegenerateDataError: the cases carry no evidence for that test.
    """
    if at == 0:
        return evidence_by(test, kind, control, treatment, metric, at)
    return evidence(control, treatment, metric, at)


def interval_once(
    control: Sample, treatment: Sample, metric: Metric, level: float
) -> tuple[Bound, Bound]:
    """Bound the change at one look as at all of them, but for the side that the test tells.

    Raises:
        DegenerateDataError: no case tells anything.
    """
    alpha = 0.5 * (1.0 - level)
    decided = evidence_once(AnalysisType.AUTO, control, treatment, metric, 0.0)
    return as_decided(
        interval_always(control, treatment, metric, alpha), decided, metric, alpha
    )


def interval_always(
    control: Sample, treatment: Sample, metric: Metric, alpha: float
) -> tuple[Bound, Bound]:
    """Bound the change at all looks at once, each side with α.

    Raises:
        DegenerateDataError: no case is measured in both arms.
    """
    del metric
    counts = _counts(control, treatment)
    low, high = lower_bound(counts, alpha), 1.0 - lower_bound(mirrored(counts), alpha)
    return low / EVEN - 1.0, high / EVEN - 1.0


def _counts(control: Sample, treatment: Sample) -> Counts:
    if not len(treatment):
        raise DegenerateDataError("no case is measured in both arms")
    if any(value != EVEN for value in control.values):
        raise DegenerateDataError(
            "the control is preferred to itself in some cases, expected 0.5 in each",
            hint="Record 0.5 for the control, and for a treatment what it has against it.",
        )
    return Counter(treatment.values)


def _clearest(cases: int) -> float:
    """Return the log e-value where a treatment wins all of them."""
    return log_e_above({1.0: cases}, EVEN)


def _notes(
    plan: Plan, comparison: Comparison, control: Sample, treatment: Sample
) -> Iterator[str]:
    del control
    ties = sum(value == EVEN for value in treatment.values)
    if ties:
        yield (
            f"{comparison.treatment}: {ties} of {len(treatment)} cases are ties in "
            f"{plan.primary.name}, which tell for neither."
        )


def _smallest_improvement(prospect: Prospect) -> float | None:
    """Return the smallest that one look at so many cases finds, of which none is a tie."""
    units, even = prospect.units, _cases([EVEN] * prospect.units)

    def decides(won: int) -> bool:
        return prospect.decides(even, _cases([1.0] * won + [0.0] * (units - won)))

    needed = fewest(decides, -1, units)
    if needed is None or needed == 0:
        return None
    share = root(
        lambda chance: beta_cdf(chance, needed, units - needed + 1) - prospect.power, 0.0, 1.0
    )
    return share / EVEN - 1.0


def _cases(values: Sequence[float]) -> Sample:
    return Sample(tuple(values), tuple(values), {}, tuple(map(str, range(len(values)))))


DESIGN = Design(
    evidence=evidence,
    evidence_once=evidence_once,
    test=test,
    interval_once=interval_once,
    interval_always=interval_always,
    clearest=_clearest,
    evidence_note="by an exact gamble on the cases' preferences, whatever they are",
)
PREFERENCES = replace(
    RATES,
    sample=sample,
    why_not=_why_not_share,
    separate=DESIGN,
    paired=lambda: DESIGN,
    expected=expected,
    smallest_improvement=_smallest_improvement,
    spread_words=lambda *_: "that no case is a tie",
    notes=_notes,
)
