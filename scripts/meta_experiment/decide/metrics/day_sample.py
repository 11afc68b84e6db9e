"""Samples of which an engine told the sums, day by day."""

from __future__ import annotations

import math
from collections.abc import Mapping

from meta_experiment.decide.collected import MetricSums, SumsOfDays, together
from meta_experiment.decide.metrics.quantiles import QuantileSample, fraction
from meta_experiment.decide.metrics.ratios import NOTHING_BELOW
from meta_experiment.decide.metrics.sample import CovariateRows, Sample, SummarySample
from meta_experiment.decide.order import Moment, OrderedTotals, Totals
from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.adjusted import ArmProducts
from meta_experiment.stats.moments import Moments
from meta_experiment.types import ArmSummary, Metric, Scale


class DaySample(SummarySample):
    """Sums of an arm with their order: units of one day share a place.

    `raw_moments` are those in the metric's unit, where its scale is another; `columns` name
    the covariates that `joint` has the products with.
    """

    def __init__(
        self,
        moments: Moments,
        ordered: OrderedTotals,
        *,
        binary: bool = False,
        skipped: Mapping[str, int] | None = None,
        raw_moments: Moments | None = None,
        columns: tuple[str, ...] = (),
        joint: ArmProducts | None = None,
    ) -> None:
        """Take the sums, over all days and of each."""
        super().__init__(moments, total=ordered.total, binary=binary)
        self.ordered, self.skipped = ordered, dict(skipped or {})
        self.raw_moments = raw_moments
        if joint is not None:
            self.covariates, self.products = CovariateRows(columns, ()), joint

    @property
    def has_order(self) -> bool:
        """Whether it is known which values came first: which days did."""
        return True

    @property
    def by_moment(self) -> dict[Moment, Totals] | None:
        """Units and total by day."""
        return self.ordered.by_moment

    def total_of_first(self, count: int) -> float:
        """Sum the values of the first so many units; of a day that this divides, in part."""
        return self.ordered.total_of_first(count)

    @property
    def raw_mean(self) -> float | None:
        """The mean in the metric's unit."""
        return (self.raw_moments or self.moments).mean

    def summary(self, metric: Metric) -> ArmSummary:
        """Describe the units on the metric's scale and in its unit."""
        known = super().summary(metric)
        if metric.scale is not Scale.LOG or self.raw_moments is None:
            return known
        raw = self.raw_moments
        sd = raw.sd if raw.n > 1 else None
        return ArmSummary(len(self), raw.mean, sd, known.log_mean, known.log_sd)

    def joined(self, value: float, units: int, metric: Metric) -> DaySample:
        """Return the sums with more units that have a value on the metric's scale.

        Nobody knows where these belong, so that all share one place; their covariates are
        like the mean of the others, which moves no product.
        """
        found = super().joined(value, units, metric)
        known = self.products
        return DaySample(
            found.moments,
            OrderedTotals(((len(found), found.total),)),
            binary=self.is_binary and value in (0.0, 1.0),
            skipped=self.skipped,
            raw_moments=_raw_joined(self.raw_moments, value, units),
            columns=self.covariates.names if self.covariates else (),
            joint=known
            and ArmProducts(found.moments, known.centres, known.with_values, known.among),
        )


def _raw_joined(raw: Moments | None, value: float, units: int) -> Moments | None:
    return raw and raw.merge(Moments(units, math.exp(value), 0.0))


class CountedQuantile(QuantileSample):
    """Values of which one quantile is compared, each with its number; whose, nobody knows."""

    def __init__(
        self,
        counts: tuple[tuple[float, int], ...],
        q: float,
        skipped: Mapping[str, int],
        *,
        log: bool,
    ) -> None:
        """Take the values on the metric's scale."""
        values = tuple(value for value, units in counts for _ in range(units))
        raw = tuple(map(math.exp, values)) if log else values
        held = Sample(values, raw, dict(skipped), ("",) * len(values), (0,) * len(values))
        super().__init__(held, q)

    @property
    def has_values(self) -> bool:
        """Whether the units are known one by one: they are not."""
        return False


def means_of_days(sums: SumsOfDays, metric: Metric) -> Sample:
    """Return the sums of an arm whose mean is compared."""
    del metric
    joint = sums.joint
    if not joint.n:
        return Sample((), (), sums.skipped, ())
    raw = [item.raw for item in sums.days if item.raw is not None]
    told = [it for it in zip(sums.days, sums.places, strict=True) if it[0].joint.n]
    totals = tuple((item.joint.n, _total(item)) for item, _ in told)
    known = joint.kept((0, *(place + 1 for place in sums.kept)))
    return DaySample(
        joint.moments(),
        OrderedTotals(totals, tuple(place for _, place in told)),
        binary=all(item.binary for item in sums.days),
        skipped=sums.skipped,
        raw_moments=together(raw).moments() if raw else None,
        columns=sums.columns,
        joint=known.products() if sums.kept else None,
    )


def ratio_of_days(sums: SumsOfDays, metric: Metric) -> Sample:
    """Return what units add to the ratio of an arm's sums (see `ratios`)."""
    del metric
    joint = sums.joint
    try:
        moments = joint.ratio()
    except DegenerateDataError:
        left = {NOTHING_BELOW: joint.n} if joint.n else {}
        return Sample((), (), {**sums.skipped, **left}, ())
    whole = OrderedTotals(((moments.n, moments.mean * moments.n),))
    return DaySample(moments, whole, skipped=sums.skipped)


def quantile_of_days(sums: SumsOfDays, metric: Metric) -> Sample:
    """Return the values of an arm of which a quantile is compared."""
    values = tuple(pair for item in sums.days for pair in item.values)
    log = metric.scale is Scale.LOG
    return CountedQuantile(values, fraction(metric), sums.skipped, log=log)


def _total(item: MetricSums) -> float:
    """Return a day's sum, which is whole where every value is."""
    moments = item.joint.moments()
    total = moments.mean * moments.n + moments.residual * moments.n
    return float(round(total)) if item.binary else total
