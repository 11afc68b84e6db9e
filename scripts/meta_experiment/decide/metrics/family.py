"""Family of metrics: what those of one kind own. Samples are matched, control comes first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from meta_experiment.decide.evidence import Evidence
from meta_experiment.decide.metrics.prospect import Prospect, of_means, spread_of_means
from meta_experiment.decide.metrics.sample import Sample, why_not_number
from meta_experiment.decide.reported import ReportedTest
from meta_experiment.decide.scale import Bound
from meta_experiment.decide.units import Arm, mean
from meta_experiment.records import dataclass
from meta_experiment.stats.mixed_prior import log_e_mixed
from meta_experiment.stats.moments import Moments
from meta_experiment.types import (
    AnalysisType,
    Comparison,
    Direction,
    EffectSize,
    LiftPrior,
    Metric,
    Plan,
    Scale,
    Unit,
)

if TYPE_CHECKING:
    from meta_experiment.decide.collected import SumsOfDays
    from meta_experiment.decide.metrics.adjustment import AdjustedComparison
    from meta_experiment.stats.bayes import PairPosterior


def clearest_means(pairs: int) -> float:
    """Return the log e-value of an endless t."""
    return log_e_mixed(math.inf, pairs - 1.0, pairs)


@dataclass(frozen=True, slots=True)
class PairBelief:
    """What is believed of two arms: by what model, of greater values as of better ones.

    `ends` bound the change from control to treatment, as `scale.bounds` takes it.
    """

    model: str
    pair: PairPosterior
    ends: tuple[Bound, Bound]


@dataclass(frozen=True, slots=True)
class Design:
    """A way to hold a treatment against the control on metrics of one family.

    `evidence` is for "better than the relative effect `at`" and "worse than it": valid at
    every look, and `evidence_once`, by the test a plan asks for, at one look; `test` is
    reported beside. `interval_once` and `interval_always` bound the change on the metric's
    scale, as `scale.bounds` takes it: at one look for a level, at all looks for an error rate
    on each side. They invert the evidence: a null is outside exactly when the evidence against
    it reaches one over that rate. `equivalence` is as `evidence`, against the bounds of a
    margin within which the effect is to be shown; the evidence itself, unless said otherwise.
    `adjusted` is what their covariates make of a comparison, None where it stands as it is;
    where it is told, evidence and `interval_always` rest on it, and
    `test` and `interval_once` are of the samples as they are, beside it.
    `effect_size` takes the place of the family's, where it is set.
    `believe(control, treatment, metric, level, prior)` is what is believed of both at this
    look, for rules that show it.
    `evidence_note` says how the evidence is weighed, where that is worth a word. `clearest` is
    the most log evidence that so many pairs can hold, `fewest_units(metric)` the units per arm
    below which nothing is told at any look, whatever the values are.

    Raises (by all):
        DegenerateDataError: the samples carry no evidence.
    """

    evidence: Callable[[Sample, Sample, Metric, float], Evidence]
    evidence_once: Callable[[AnalysisType, Sample, Sample, Metric, float], Evidence]
    test: Callable[[AnalysisType, Sample, Sample, Metric], ReportedTest]
    interval_once: Callable[[Sample, Sample, Metric, float], tuple[Bound, Bound]]
    interval_always: Callable[[Sample, Sample, Metric, float], tuple[Bound, Bound]]
    equivalence: Callable[[Sample, Sample, Metric, float], Evidence] | None = None
    effect_size: Callable[[Sample, Sample, Metric], EffectSize] | None = None
    adjusted: Callable[[Sample, Sample, Metric], AdjustedComparison | None] | None = None
    believe: Callable[[Sample, Sample, Metric, float, LiftPrior | None], PairBelief] | None = (
        None
    )
    evidence_note: str | None = None
    clearest: Callable[[int], float] = clearest_means
    fewest_units: Callable[[Metric], int] = lambda _: 0


def statistic_of_means(scale: Scale) -> str:
    """Name what of an arm is compared."""
    return "geometric mean" if scale is Scale.LOG else "mean"


def centre_of_means(values: Sequence[float], metric: Metric) -> float:
    """Return the mean on the metric's scale."""
    del metric
    return mean(values)


def improvement_down_to_zero(centre: float, direction: Direction) -> float:
    """Return the largest relative improvement there is room for: nothing gets below zero."""
    del centre
    return 1.0 if direction is Direction.LOWER else math.inf


def best_of_means(arms: Sequence[Moments], lower: bool) -> list[float]:
    """Return each arm's chance to have the best mean."""
    from meta_experiment.stats.best_arm import best_mean

    return best_mean(arms, lower=lower)


def _means_of_days(sums: SumsOfDays, metric: Metric) -> Sample:
    from meta_experiment.decide.metrics.day_sample import means_of_days

    return means_of_days(sums, metric)


@dataclass(frozen=True, slots=True)
class Family:
    """Functions that the metrics of one kind have in common.

    `sample(arm, metric, stretch)` returns what an arm shows of a metric, trials that were cut
    short counted `stretch` times where their value so far flatters. `separate` compares units
    that have nothing to do with each other, `paired()` eval cases that ran in both arms.
    `why_not(value, metric)` is the reason why a sample leaves a recorded value out, if any.
    `statistic(scale)` names what of an arm is compared, and `centre(values, metric)` is that;
    `compares_means` says whether it is a mean of what the units show, of which a t tells;
    `draw_suffices` whether units that are alike in what is compared are alike in all, so that
    how they were drawn tells all there is against no difference. `best_of(arms, lower)` are
    the chances of arms of these moments to be the best.
    `effect_size` standardises the difference. `expected` is the evidence, as that of `separate`
    at every look, of data to come that have these moments, where that can be told.

    `lowest_change` is the smallest change relative to the control that can be,
    `largest_improvement(centre, direction)` the largest improvement. `assumed_moments` are the
    mean and the standard deviation on the raw scale that are assumed before data, in words
    `spread_words(centre, sd, metric)`; `smallest_improvement` is what a rule would mostly find
    with so many units, None where it is nothing.
    `missing(control, share, metric)` is what a missing value is taken for where a promotion is
    held against it, on the metric's scale: by the control's centre, and by the worst of its
    values where so large a share is missing of what has no pair (else 0).
    `missing_words(metric, paired)` says it. `rare` is the value of one more unit that a
    promotion must stand, None if it need not.
    `notes(plan, comparison, control, treatment)` says what a reader must know of a comparison
    on the primary metric.

    Raises (by `effect_size`):
        DegenerateDataError: there is nothing to standardise by.

    Raises (by `smallest_improvement`):
        UsageError: so many units find nothing.
    """

    sample: Callable[[Arm, Metric, float], Sample]
    separate: Design
    paired: Callable[[], Design]
    effect_size: Callable[[Sample, Sample, Metric], EffectSize]
    assumed_moments: tuple[float, float]
    missing: Callable[[Sample, float, Metric], float]
    missing_words: Callable[[Metric, bool], str]
    why_not: Callable[[float, Metric], str | None] = why_not_number
    rare: Callable[[float, Metric, Unit], float | None] = lambda *_: None
    statistic: Callable[[Scale], str] = statistic_of_means
    centre: Callable[[Sequence[float], Metric], float] = centre_of_means
    compares_means: bool = True
    draw_suffices: bool = False
    best_of: Callable[[Sequence[Moments], bool], list[float]] = best_of_means
    expected: Callable[[Moments, Moments, Metric, float], Evidence] | None = None
    lowest_change: float = -math.inf
    largest_improvement: Callable[[float, Direction], float] = improvement_down_to_zero
    smallest_improvement: Callable[[Prospect], float | None] = of_means
    spread_words: Callable[[float, float, Metric], str] = spread_of_means
    notes: Callable[[Plan, Comparison, Sample, Sample], Iterator[str]] = lambda *_: iter(())
    sample_of_sums: Callable[[SumsOfDays, Metric], Sample] = _means_of_days

    @property
    def takes_covariates(self) -> bool:
        """Whether covariates explain part of what its metrics vary by."""
        return self.separate.adjusted is not None
