"""How two arms are held against each other: as separate units, or case by case."""

from __future__ import annotations

from collections.abc import Callable

from meta_experiment.decide import paired
from meta_experiment.decide.evidence import Evidence, always_interval, sequential_evidence
from meta_experiment.decide.reported import Reported, fixed_interval, reported_test
from meta_experiment.decide.scale import Bound
from meta_experiment.decide.units import Sample, as_they_are
from meta_experiment.records import dataclass
from meta_experiment.types import AnalysisType, Metric, Plan, Unit


@dataclass(frozen=True, slots=True)
class Design:
    """A way to compare a treatment with the control, control first in every signature.

    `match` returns the parts of two samples that are compared; all others take matched
    samples. `evidence` is for "better than the relative effect `at`" and "worse than it",
    valid at every look; `test` is the one reported beside it, which decides under `fixed`.
    `once` and `always` bound the change on the metric's scale, as `scale.bounds` takes it:
    at one look for a level, at all looks for an error rate.

    Raises (by all but `match`):
        DegenerateDataError: the samples carry no evidence.
    """

    match: Callable[[Sample, Sample], tuple[Sample, Sample]]
    evidence: Callable[[Sample, Sample, Metric, float], Evidence]
    test: Callable[[AnalysisType, Sample, Sample, Metric], Reported]
    once: Callable[[Sample, Sample, Metric, float], tuple[Bound, Bound]]
    always: Callable[[Sample, Sample, Metric, float], tuple[Bound, Bound]]


SEPARATE = Design(
    match=as_they_are,
    evidence=sequential_evidence,
    test=reported_test,
    once=fixed_interval,
    always=always_interval,
)
PAIRED = Design(
    match=paired.match,
    evidence=paired.evidence,
    test=paired.test,
    once=paired.once,
    always=paired.always,
)


def design_of(plan: Plan) -> Design:
    """Return how a plan's arms are compared: eval cases, which run in all, case by case."""
    return PAIRED if plan.unit is Unit.CASE else SEPARATE
