"""The samples of all arms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from meta_experiment.decide.metrics import family_of
from meta_experiment.decide.metrics.sample import SHARE, CovariateRows, Sample, separate
from meta_experiment.decide.units import Arm
from meta_experiment.types import Metric, Plan, Scale, Unit

Match = Callable[[Sample, Sample], tuple[Sample, Sample]]


def match_of(plan: Plan) -> Match:
    """Return what picks the parts of two samples that a plan compares."""
    if plan.unit is not Unit.CASE:
        return separate
    from meta_experiment.decide.metrics.paired import match

    return match


def covariates_of(plan: Plan) -> Callable[[Metric], Sequence[str]]:
    """Return what names the covariates by which a plan compares the means of a metric.

    None for cases, which are compared with themselves, nor for sums of arms of unequal weight.
    On a ramp the share in force is always one.
    """
    equal = len({item.weight for item in plan.variants}) == 1 and plan.ramp is None
    named = () if plan.unit is Unit.CASE else plan.covariates
    always = () if plan.ramp is None else (SHARE,)

    def names(metric: Metric) -> Sequence[str]:
        if not ((named or always) and family_of(metric).takes_covariates):
            return ()
        return (*always, *named) if equal or metric.scale is Scale.LOG else always

    return names


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
        covariates: Callable[[Metric], Sequence[str]] = lambda _: (),
    ) -> None:
        """Hold the arms, and which units of two are compared; nothing is computed yet.

        `summaries` are samples that are not made of the arms' units, by variant and metric;
        `covariates` names what the means of a metric are compared by.
        """
        self.arms = arms
        self.match = match
        self.summaries = summaries or {}
        self.covariates = covariates
        self._rows: dict[Metric, dict[str, CovariateRows]] = {}
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
                self._explained(control, metric, stretch),
                self._explained(treatment, metric, stretch),
            )
        return self._matched[key]

    def _explained(self, variant: str, metric: Metric, stretch: float) -> Sample:
        """Return one arm's sample, with its covariates where they are of use."""
        sample = self.of(variant, metric, stretch)
        names = self.covariates(metric)
        if not (names and sample.has_values):
            return sample
        if metric not in self._rows:
            from meta_experiment.decide.covariate_rows import covariate_rows

            arms = [(arm, self.of(name, metric)) for name, arm in self.arms.items()]
            if not all(item.has_values for _, item in arms):
                return sample  # of an arm that has none yet, beside sums of another
            rows = covariate_rows(names, metric, arms)
            self._rows[metric] = dict(zip(self.arms, rows, strict=True))
        return sample.explained_by(self._rows[metric][variant])
