"""The samples of all arms."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from meta_experiment.decide.metrics import family_of
from meta_experiment.decide.metrics.sample import Sample, separate
from meta_experiment.decide.units import Arm
from meta_experiment.types import Metric, Plan, Unit

Match = Callable[[Sample, Sample], tuple[Sample, Sample]]


def match_of(plan: Plan) -> Match:
    """Return what picks the parts of two samples that a plan compares."""
    if plan.unit is not Unit.CASE:
        return separate
    from meta_experiment.decide.metrics.paired import match

    return match


def sample_of(arm: Arm, metric: Metric, *, stretch: float = 1.0) -> Sample:
    """Return what an arm shows of a metric (see `Family`)."""
    return family_of(metric).sample(arm, metric, stretch)


class Samples:
    """The samples of all arms, control first, each computed once."""

    def __init__(
        self,
        arms: Mapping[str, Arm],
        match: Match = separate,
        summaries: Mapping[str, Mapping[str, Sample]] | None = None,
    ) -> None:
        """Hold the arms, and which units of two are compared; nothing is computed yet.

        `summaries` are samples that are not made of the arms' units, by variant and metric.
        """
        self.arms = arms
        self.match = match
        self.summaries = summaries or {}
        self._known: dict[tuple[str, Metric, float], Sample] = {}
        self._matched: dict[tuple[str, Metric, float], tuple[Sample, Sample]] = {}

    def of(self, variant: str, metric: Metric, stretch: float = 1.0) -> Sample:
        """Return one arm's sample of a metric (see `sample_of`)."""
        key = (variant, metric, stretch)
        if key not in self._known:
            summary = self.summaries.get(variant, {}).get(metric.name)
            self._known[key] = summary or sample_of(self.arms[variant], metric, stretch=stretch)
        return self._known[key]

    def compared(
        self, treatment: str, metric: Metric, stretch: float = 1.0
    ) -> tuple[Sample, Sample]:
        """Return what of the control's sample and of a treatment's is compared."""
        key = (treatment, metric, stretch)
        if key not in self._matched:
            control = next(iter(self.arms))
            self._matched[key] = self.match(
                self.of(control, metric, stretch), self.of(treatment, metric, stretch)
            )
        return self._matched[key]
