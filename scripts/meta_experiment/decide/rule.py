"""The two deciding rules: one that may be asked at every look, one that may be asked once.

Both speak one language, natural logarithms that are compared with log(1/α): an e-value for
`sequential`, the inverse of a one-sided p-value for `fixed`. Everything behind them
(guardrails, verdict) is therefore the same for both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

from meta_experiment.decide.design import design_of
from meta_experiment.decide.evidence import RATIO, Evidence, beyond_reach, moved, towards
from meta_experiment.decide.reported import Reported, counts
from meta_experiment.decide.scale import sign
from meta_experiment.decide.units import Sample
from meta_experiment.records import dataclass
from meta_experiment.stats.multiplicity import closed_average, holm
from meta_experiment.stats.rate_ratio import rate_ratio_tails
from meta_experiment.types import Metric, MetricKind, Plan, Stopping


@dataclass(frozen=True, slots=True)
class Rule:
    """A deciding rule on matched samples.

    `evidence(control, treatment, metric, at)` is for "better than the relative effect `at`"
    and "worse than it"; `adjust` corrects evidence for several treatments tried at once.

    Raises (by `evidence`):
        DegenerateDataError: the samples carry no evidence.
    """

    evidence: Callable[[Sample, Sample, Metric, float], Evidence]
    adjust: Callable[[Sequence[float]], list[float]]


def rule_of(plan: Plan) -> Rule:
    """Return the plan's deciding rule.

    `sequential` may be asked after every trial: with no difference, the probability that
    its evidence ever reaches 1/α, at any look, is at most α. A decision is taken at each
    look on the data up to it, without memory of earlier looks; that can only lose crossings,
    so that the bound holds. Several treatments: closed testing with averaged e-values
    (Vovk and Wang 2021, Annals of Statistics 49(3)).

    `fixed` may be asked once; several treatments: Holm's step-down.
    """
    design = design_of(plan)
    if plan.stopping is Stopping.SEQUENTIAL:
        return Rule(design.evidence, closed_average)
    return Rule(partial(fixed_evidence, partial(design.test, plan.analysis_type)), _holm)


def fixed_evidence(
    test: Callable[[Sample, Sample, Metric], Reported],
    control: Sample,
    treatment: Sample,
    metric: Metric,
    at: float = 0.0,
) -> Evidence:
    """Return −log of the one-sided p-values of a test, valid at one look.

    Rates are held against a null other than no difference by their likelihood.
    """
    if metric.kind is MetricKind.PROPORTION and at != 0:
        return _rates_against(control, treatment, metric, at)
    null = moved(control, at, metric)
    if null is None:
        return beyond_reach(at)
    done = test(null, treatment, metric)
    return towards(sign(metric), _minus_log(done.p_greater), _minus_log(done.p_less), done.name)


def _rates_against(control: Sample, treatment: Sample, metric: Metric, at: float) -> Evidence:
    ratio = 1.0 + sign(metric) * at
    if ratio <= 0:
        return beyond_reach(at)
    greater, less = rate_ratio_tails(*counts(control, treatment), ratio)
    return towards(sign(metric), _minus_log(greater), _minus_log(less), RATIO)


def _minus_log(p: float) -> float:
    return -math.log(p) if p > 0 else math.inf


def _holm(strengths: Sequence[float]) -> list[float]:
    return [_minus_log(p) for p in holm([math.exp(-max(0.0, one)) for one in strengths])]
