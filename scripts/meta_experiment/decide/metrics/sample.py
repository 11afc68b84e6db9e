"""Sample of one arm on one metric: a value for each unit, or their sums alone."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn, Self, TypeVar

from meta_experiment.decide.order import Moment, Totals, total_of_first, totals_by_moment
from meta_experiment.decide.scale import at_boundary
from meta_experiment.decide.units import Arm, mean, reading, was_cut_short
from meta_experiment.errors import DegenerateDataError
from meta_experiment.records import dataclass
from meta_experiment.stats.moments import Moments
from meta_experiment.types import ArmSummary, Draw, Metric, Scale

if TYPE_CHECKING:
    from meta_experiment.stats.adjusted import ArmProducts

_Item = TypeVar("_Item")
NOT_FINITE = "not_finite"
NOT_POSITIVE = "not_positive"
SHARE = "share"  # of a treatment, by which a unit was drawn: as a covariate
MISSING = " missing"  # ends the name of a column that says where a covariate is missing
_NO_VALUES = "an arm has no values yet"
_LARGEST = 1e75  # the square of a ratio of two such numbers is still a number


@dataclass(frozen=True, slots=True)
class CovariateRows:
    """Rows of what was known of the units before their variants were drawn, and its names."""

    names: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...]

    def joined(self, units: int) -> CovariateRows:
        """Return them with more units of which nothing is known: each has the mean."""
        middle = tuple(map(mean, zip(*self.rows, strict=True)))
        return CovariateRows(self.names, (*self.rows, *(middle,) * units))


@dataclass(frozen=True, slots=True)
class DrawnUnits:
    """Units of an arm as they were drawn: their places, and by what where shares move.

    `began` says when each of them began.
    """

    variant: str
    places: Sequence[int]
    draws: Sequence[Draw | None]
    began: Sequence[Moment]


class Sample:
    """Values of an arm, one per unit that has one, by the places of the units.

    `values` are on the metric's scale (natural logarithms for the log scale), `raw` in its
    unit. `skipped` counts by reason the trials whose value cannot stand on that scale.
    `units` are the keys of the units, one per value, `order` their places (see
    `units.places`), rising. `covariates` have a row per value where a plan compares by them,
    `drawn` says of the first values how their units were drawn.
    """

    covariates: CovariateRows | None = None
    drawn: DrawnUnits | None = None

    def __init__(
        self,
        values: tuple[float, ...],
        raw: tuple[float, ...],
        skipped: Mapping[str, int],
        units: tuple[str, ...],
        order: Sequence[int] | None = None,
        covariates: CovariateRows | None = None,
        drawn: DrawnUnits | None = None,
    ) -> None:
        """Take what was measured, one unit after the other when nothing else is said."""
        self.values = values
        self.raw = raw
        self.skipped = skipped
        self.units = units
        self.order = range(len(values)) if order is None else order
        self.covariates = covariates
        self.drawn = drawn

    def __len__(self) -> int:
        return len(self.values)

    @property
    def has_values(self) -> bool:
        """Whether the units are known one by one."""
        return True

    @cached_property
    def moments(self) -> Moments:
        """The moments of the values on the metric's scale.

        Raises:
            DegenerateDataError: there are none, or they are too large to square.
        """
        if not self.values:
            raise DegenerateDataError(_NO_VALUES)
        return Moments.of(self.values)

    @cached_property
    def products(self) -> ArmProducts | None:
        """The moments with the covariates; None where it has none."""
        if self.covariates is None or not self.values:
            return None
        from meta_experiment.stats.adjusted import ArmProducts

        return ArmProducts.of(self.values, self.covariates.rows)

    @cached_property
    def centre(self) -> float:
        """What effects are differences of: the mean on the metric's scale.

        Raises:
            DegenerateDataError: there are no values.
        """
        if not self.values:
            raise DegenerateDataError(_NO_VALUES)
        constant = min(self.values) == max(self.values)
        return self.values[0] if constant else mean(self.values)

    @cached_property
    def total(self) -> float:
        """The sum on the metric's scale."""
        return math.fsum(self.values)

    @property
    def has_order(self) -> bool:
        """Whether it is known which values came first (see `total_of_first`)."""
        return True

    @cached_property
    def by_moment(self) -> dict[Moment, Totals] | None:
        """Units and total by when they began; None where units were added that never did."""
        if self.drawn is None or len(self.drawn.began) < len(self.values):
            return None
        return totals_by_moment(self.drawn.began, self.values)

    def total_of_first(self, count: int) -> float:
        """Sum the values of the first so many units on the metric's scale."""
        return total_of_first(self.values, self.order, count)

    @property
    def raw_mean(self) -> float | None:
        """The mean in the metric's unit; None where that is not known."""
        return mean(self.raw)

    def mean_of_worst(self, count: int, *, highest: bool) -> float:
        """Return the mean of so many of the highest values, or of the lowest, one or more."""
        return mean(sorted(self.values, reverse=highest)[:count])

    @cached_property
    def is_binary(self) -> bool:
        """Whether every unit has one outcome, 0 or 1."""
        return all(value in (0, 1) for value in self.values)

    def summary(self, metric: Metric) -> ArmSummary:
        """Describe the unit values; logarithms only where all are positive."""
        logs: Sequence[float] = ()
        if metric.scale is Scale.LOG:
            logs = self.values
        elif len(self) and min(self.raw) > 0:
            logs = [math.log(value) for value in self.raw]
        return ArmSummary(len(self), *_mean_and_sd(self.raw), *_mean_and_sd(logs))

    def scaled(self, factor: float) -> Sample:
        """Return the sample with all values multiplied, on the raw scale."""
        values = tuple(value * factor for value in self.values)
        drawn = self.drawn
        return Sample(values, values, self.skipped, self.units, self.order, drawn=drawn)

    def shifted(self, delta: float) -> Sample:
        """Return the sample with a constant added to all values, on the log scale."""
        values = tuple(value + delta for value in self.values)
        raw = tuple(math.exp(value) for value in values)
        drawn = self.drawn
        return Sample(values, raw, self.skipped, self.units, self.order, drawn=drawn)

    def joined(self, value: float, units: int, metric: Metric) -> Sample:
        """Return the sample with more units that have a value on the metric's scale.

        What comes first is not known of it any more: nobody knows where these belong.
        """
        raw = math.exp(value) if metric.scale is Scale.LOG else value
        return Sample(
            (*self.values, *(value,) * units),
            (*self.raw, *(raw,) * units),
            self.skipped,
            (*self.units, *("",) * units),
            (0,) * (len(self) + units),
            self.covariates and self.covariates.joined(units),
            self.drawn,
        )

    def explained_by(self, covariates: CovariateRows) -> Sample:
        """Return the sample with what was known of its units."""
        known = self.values, self.raw, self.skipped, self.units, self.order
        return Sample(*known, covariates, self.drawn)

    def picked(self, places: Sequence[int]) -> Sample:
        """Return the sample of the units at these places, in their order."""
        known, drawn = self.covariates, self.drawn
        return Sample(
            _at(places, self.values),
            _at(places, self.raw),
            self.skipped,
            _at(places, self.units),
            _at(places, self.order),
            known and CovariateRows(known.names, _at(places, known.rows)),
            drawn
            and DrawnUnits(
                drawn.variant,
                _at(places, drawn.places),
                _at(places, drawn.draws),
                _at(places, drawn.began),
            ),
        )


class SummarySample(Sample):
    """A sample known by its sums alone: as a warehouse counts them, or a paper prints them.

    It passes wherever moments or totals are enough. Asked for what only single units can
    tell, it raises a DegenerateDataError, as data do that carry no evidence.
    """

    def __init__(
        self, moments: Moments, *, total: float | None = None, binary: bool = False
    ) -> None:
        """Take the moments on the metric's scale, and the total where it is known exactly."""
        self.moments = moments
        self.centre = moments.mean
        self.total = moments.mean * moments.n if total is None else total
        self.is_binary = binary
        self.skipped = {}

    @classmethod
    def of_counts(cls, successes: int, units: int) -> Self:
        """Take the successes of so many units, one or more, with one outcome each."""
        rate = successes / units
        moments = Moments(units, rate, (units - successes) * rate)
        return cls(moments, total=float(successes), binary=True)

    def __len__(self) -> int:
        return self.moments.n

    def __repr__(self) -> str:
        return f"SummarySample({self.moments!r})"

    @property
    def has_values(self) -> bool:
        """Whether the units are known one by one: they are not."""
        return False

    @property
    def has_order(self) -> bool:
        """Whether it is known which values came first: it is not."""
        return False

    @property
    def by_moment(self) -> dict[Moment, Totals] | None:
        """Nobody knows when which of them began."""
        return None

    @property
    def raw_mean(self) -> float | None:
        """Nothing is known beside the metric's scale."""
        return None

    def mean_of_worst(self, count: int, *, highest: bool) -> float:
        """Return the worst that it can be, whatever the distribution (Cantelli's bound)."""
        moments = self.moments
        reach = math.sqrt(moments.m2 / moments.n * (moments.n / min(count, moments.n) - 1.0))
        return moments.mean + (reach if highest else -reach)

    def _no_units(self) -> NoReturn:
        raise DegenerateDataError(
            "an arm is known by its sums alone, expected a value for each unit"
        )

    values = raw = units = order = property(_no_units)

    def summary(self, metric: Metric) -> ArmSummary:
        """Describe the units on the metric's own scale; of the other nothing is known."""
        known, nothing = _described(self.moments), (None, None)
        if metric.scale is Scale.LOG:
            return ArmSummary(len(self), *nothing, *known)
        return ArmSummary(len(self), *known, *nothing)

    def scaled(self, factor: float) -> SummarySample:
        """Return the sums with all values multiplied, on the raw scale."""
        return SummarySample(self.moments.scaled(factor))

    def shifted(self, delta: float) -> SummarySample:
        """Return the sums with a constant added to all values, on the log scale."""
        return SummarySample(self.moments.shifted(delta))

    def joined(self, value: float, units: int, metric: Metric) -> SummarySample:
        """Return the sums with more units that have a value on the metric's scale."""
        del metric
        return SummarySample(
            self.moments.merge(Moments(units, value, 0.0)),
            total=self.total + value * units,
            binary=self.is_binary,
        )


def separate(control: Sample, treatment: Sample) -> tuple[Sample, Sample]:
    """Return two samples whose units have nothing to do with each other: all are compared."""
    return control, treatment


def moved(control: Sample, at: float, metric: Metric) -> Sample | None:
    """Return the control as it would be at a relative effect (see `at_boundary`)."""
    return at_boundary(control, control.moments.mean, at, metric) if at else control


def unit_values(
    arm: Arm,
    metric: Metric,
    *,
    why_not: Callable[[float, Metric], str | None],
    stretch: float = 1.0,
) -> Sample:
    """Return one value per unit of an arm, without those that have a reason why not.

    A trial that was cut short enters with its value so far, times `stretch`.
    """
    raw: list[float] = []
    values: list[float] = []
    units: list[str] = []
    order: list[int] = []
    draws: list[Draw | None] = []
    began: list[Moment] = []
    skipped: Counter[str] = Counter()
    log, read = metric.scale is Scale.LOG, reading(metric)
    for unit in arm.units:
        own = []
        for trial in unit.trials:
            value = read(trial)
            if value is None:
                continue
            reason = why_not(value, metric)
            if reason is not None:
                skipped[reason] += 1
                continue
            own.append(value * stretch if stretch != 1.0 and was_cut_short(trial) else value)
        if own:
            units.append(unit.unit)
            order.append(unit.order)
            draws.append(unit.draw)
            began.append(unit.began)
            raw.append(mean(own))
            values.append(mean([math.log(value) for value in own]) if log else raw[-1])
    drawn = DrawnUnits(arm.variant, order, draws, began)
    return Sample(tuple(values), tuple(raw), dict(skipped), tuple(units), order, drawn=drawn)


def why_not_number(value: float, metric: Metric) -> str | None:
    """Say why a value cannot stand on the metric's scale, whatever it measures."""
    if not (value == 0 or 1 / _LARGEST < abs(value) < _LARGEST):
        return NOT_FINITE
    return NOT_POSITIVE if metric.scale is Scale.LOG and value <= 0 else None


def _at(places: Sequence[int], values: Sequence[_Item]) -> tuple[_Item, ...]:
    """Return what lies at these places, at once where they are a piece."""
    if isinstance(places, range) and places.step == 1:
        return tuple(values[places.start : places.stop])
    return tuple(map(values.__getitem__, places))


def _mean_and_sd(values: Sequence[float]) -> tuple[float | None, float | None]:
    if not values:
        return None, None
    try:
        return _described(Moments.of(values))
    except DegenerateDataError:
        return None, None


def _described(moments: Moments) -> tuple[float, float | None]:
    return moments.mean, moments.sd if moments.n > 1 else None
