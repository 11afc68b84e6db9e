"""Means compared with what the plan's covariates explain taken out."""

from __future__ import annotations

import math
from dataclasses import replace

from meta_experiment.decide.evidence import Evidence, beyond_reach, towards
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.reported import minus_log
from meta_experiment.decide.scale import Bound, bounds, effect, less_one, orientation, sign
from meta_experiment.records import dataclass
from meta_experiment.stats.adjusted import AdjustedMeans, adjusted_means
from meta_experiment.stats.always_valid import difference_interval, ratio_interval, weigh
from meta_experiment.stats.relative import MeanRatio, ratio_interval_once
from meta_experiment.stats.sequential import anytime
from meta_experiment.stats.ttest import Contrast, t_test
from meta_experiment.types import Adjustment, Effect, Interval, Metric, Scale

ADJUSTED_T = "anytime-valid t, adjusted for covariates"


@dataclass(frozen=True, slots=True)
class AdjustedComparison:
    """Comparison of two adjusted means of a metric, with what `Design` asks of samples."""

    means: AdjustedMeans
    metric: Metric
    names: tuple[str, ...]

    @property
    def effect(self) -> Effect:
        """The effect that is decided on."""
        return effect(self.means.control, self.means.treatment, self.metric)

    def evidence(self, at: float) -> Evidence:
        """Return log e-values against a relative effect, valid at every look."""
        contrast = self._against(at)
        if contrast is None:
            return beyond_reach(at)
        found = weigh(contrast)
        return self._towards(found.log_greater, found.log_less, ADJUSTED_T)

    def equivalence(self, at: float) -> Evidence:
        """Return log e-values against the bounds of a margin (see `means.equivalence`)."""
        contrast = self._against(at)
        if contrast is None:
            return beyond_reach(at)
        found = anytime(contrast)
        return self._towards(found.log_e_greater, found.log_e_less, ADJUSTED_T)

    def evidence_once(self, at: float) -> Evidence:
        """Return −log of the one-sided p-values of the t-test against a relative effect."""
        contrast = self._against(at)
        if contrast is None:
            return beyond_reach(at)
        found = t_test(contrast)
        return self._towards(minus_log(found.p_greater), minus_log(found.p_less), "adjusted_t")

    def interval_always(self, alpha: float) -> tuple[Bound, Bound]:
        """Bound the change at all looks at once, by inverting the e-values that decide."""
        if self.metric.scale is Scale.LOG:
            return difference_interval(self.means.contrast(), alpha)
        ratio = self._ratio()
        return (None, None) if ratio is None else less_one(ratio_interval(ratio, alpha))

    def interval_once(self, level: float) -> tuple[Bound, Bound]:
        """Bound the change at one look, by inverting the t-test."""
        if self.metric.scale is Scale.LOG:
            test = t_test(self.means.contrast(), level=level)
            return test.low, test.high
        ratio = self._ratio()
        return (None, None) if ratio is None else less_one(ratio_interval_once(ratio, level))

    def interval(self, level: float) -> tuple[Bound, Bound]:
        """Bound the relative effect at one look."""
        return bounds(*self.interval_once(level), self.means.control, self.metric, -math.inf)

    def described(self, level: float) -> Adjustment:
        """Describe it, the covariates by their names."""
        means, names = self.means, self.names
        return Adjustment(
            effect=self.effect,
            interval=Interval(level, *self.interval(level)),
            explained=means.explained,
            units_saved=round(sum(means.units) * means.explained / (1.0 - means.explained)),
            slopes={
                name: slope
                for place, (name, slope) in enumerate(zip(names, means.slopes, strict=True))
                if place not in means.dropped
            },
            dropped=tuple(names[place] for place in means.dropped),
        )

    def _against(self, at: float) -> Contrast | None:
        """Return the difference from a relative effect; None where none can reach it."""
        change = 1.0 + orientation(self.means.control, self.metric) * at
        if self.metric.scale is Scale.RAW:
            return self.means.contrast(change)
        if change <= 0:
            return None
        found = self.means.contrast()
        return replace(found, difference=found.difference - math.log(change))

    def _towards(self, greater: float, less: float, rule: str) -> Evidence:
        return towards(sign(self.metric), greater, less, rule)

    def _ratio(self) -> MeanRatio | None:
        """Return the means to be compared by their ratio; None where the control's is zero."""
        means = self.means
        if not means.control:
            return None
        return MeanRatio(
            means.control,
            means.treatment,
            means.variance_control,
            means.variance_treatment,
            means.n_effective,
            means.df,
        )


def adjusted_comparison(
    control: Sample, treatment: Sample, metric: Metric
) -> AdjustedComparison | None:
    """Take out what the covariates explain; None where the means stand as they are.

    Raises:
        DegenerateDataError: the samples carry no evidence.
    """
    known, one, other = control.covariates, control.products, treatment.products
    if known is None or one is None or other is None:
        return None
    means = adjusted_means(one, other)
    return None if means is None else AdjustedComparison(means, metric, known.names)
