"""The plan: all that is fixed before data."""

from __future__ import annotations

from dataclasses import replace

from meta_experiment.records import dataclass
from meta_experiment.types.vocabulary import (
    Aim,
    AnalysisType,
    Assignment,
    CarryOut,
    Claim,
    Comparator,
    Direction,
    MetricKind,
    Scale,
    Stopping,
    Unit,
)

PER = ".per."
PERCENTILE = ".p"


@dataclass(frozen=True, slots=True)
class Metric:
    """Measure of a trial: what it is, which way is better, on what scale it is compared.

    A ratio is called `NUMERATOR.per.DENOMINATOR`, a quantile `METRIC.pPERCENT`.
    """

    name: str
    kind: MetricKind
    direction: Direction
    scale: Scale
    unit: str = ""

    @property
    def recorded(self) -> tuple[str, ...]:
        """The names under which trials have what it is made of."""
        if self.kind is MetricKind.RATIO:
            return tuple(self.name.split(PER, 1))
        if self.kind is MetricKind.QUANTILE:
            return (self.name.rpartition(PERCENTILE)[0],)
        return (self.name,)

    @property
    def is_recorded(self) -> bool:
        """Whether trials have it themselves."""
        return self.recorded == (self.name,)


@dataclass(frozen=True, slots=True)
class Guardrail:
    """A metric that must not get worse by more than its margin.

    `margin` is a fraction of the control's mean (0.10 is ten per cent).
    `required` demands proof of that before a promotion; else doubt inside the margin passes.
    """

    metric: Metric
    margin: float = 0.10
    required: bool = False


@dataclass(frozen=True, slots=True)
class Variant:
    """Variant, an arm. `weight` is its share of the traffic relative to the other arms.

    A `comparator` says what an arm is for that is no treatment and never promoted.
    """

    name: str
    weight: float = 1.0
    comparator: Comparator | None = None


@dataclass(frozen=True, slots=True)
class Bandit:
    """How shares move with what is seen: after `burn_in` units of each arm, drawn in turns.

    `floor` is the least share of an arm, a fraction of all units.
    """

    aim: Aim
    floor: float
    burn_in: int = 5


@dataclass(frozen=True, slots=True)
class Ramp:
    """Steps by which treatments get more and more of the units, the control has the rest.

    `steps` are the shares of all treatments together, rising fractions. Each is kept for
    `days`, and until each treatment has `units` of it that have closed.
    """

    steps: tuple[float, ...]
    days: float = 1.0
    units: int = 5


@dataclass(frozen=True, slots=True)
class Layer:
    """Slots of a layer that an experiment holds: of so many thousandths, from `first` on.

    Experiments that hold other slots of the layer never meet in one unit. `first` is None
    until the experiment is created.
    """

    name: str
    count: int
    first: int | None = None

    @property
    def slots(self) -> tuple[int, int]:
        """The first of its slots, and that behind its last."""
        first = self.first or 0
        return first, first + self.count


@dataclass(frozen=True, slots=True)
class LiftPrior:
    """What is believed of the relative effect before data: normal, in fractions, + is better.

    `source` is the experiment that it was learnt from, of which no trial is in this one.
    """

    mean: float
    sd: float
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Holdout:
    """What a share that keeps the old version is to watch: the promotion of experiment `of`.

    Its first variant is the promoted text, which is the file now, its second the one before.
    The effect has decayed when it is shown to be below `decayed_below`, a fraction. `models`
    are those of the evidence; on others the question is another. In every `block` of units the
    share is exact; 0: they are drawn one by one, or as equal arms are.
    """

    of: str
    decayed_below: float
    models: tuple[str, ...] = ()
    block: int = 0


@dataclass(frozen=True, slots=True)
class TeamTerms:
    """Who decides an experiment of several machines, and where what is decided goes.

    `branch` is the one that everybody pulls, `carry_out` how a promotion reaches it. `machines`
    are those whose trials count and that may decide; none: all that the store's owner admitted.
    """

    branch: str
    carry_out: CarryOut = CarryOut.PULL_REQUEST
    machines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is fixed before data. Fractions, not per cents: 0.15 is fifteen per cent.

    `variants[0]` is the control. `files` are paths relative to the root, with `/`; an
    experiment made from results that were measured elsewhere has none.
    `sample_size` is the number of units per arm: exactly that for `fixed`, the least for
    `sequential`. `max_sample` (units per arm) and `max_duration_days` are the horizon.
    `equivalence_margin` asks for an end once the relative effect is shown to lie within it.
    `report` names the metrics that the model is asked for at the end of its task, and
    `covariates` what explains part of the spread of means, known before a variant is drawn.
    `robust` averages the evidence of the draw itself into that on the primary metric.
    `bandit` is there when units are assigned by one, `ramp` when by one. Units take part from
    `start_date` until `end_date`, seconds since the epoch; in a `layer` those of
    its slots alone.
    `prior` is believed of the primary metric's relative effect before data; `price` is the
    relative loss below which both choices are as good as each other, so that the plan may end.
    `holdout` is there when it watches what a promotion is worth afterwards, `team` when
    several machines draw from one sequence and decide once.
    """

    name: str
    hypothesis: str
    files: tuple[str, ...]
    variants: tuple[Variant, ...]
    primary: Metric
    guardrails: tuple[Guardrail, ...] = ()
    secondary: tuple[Metric, ...] = ()
    improvement_threshold: float = 0.15
    max_regression: float = 0.10
    equivalence_margin: float | None = None
    alpha: float = 0.05
    stopping: Stopping = Stopping.SEQUENTIAL
    claim: Claim = Claim.BETTER
    sample_size: int = 10
    max_sample: int | None = None
    max_duration_days: float = 14.0
    unit: Unit = Unit.SESSION
    assignment: Assignment = Assignment.BLOCK
    traffic: float = 1.0
    analysis_type: AnalysisType = AnalysisType.AUTO
    safety_metrics: tuple[str, ...] = ()
    acting_alerts: tuple[str, ...] = ()
    report: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()
    robust: bool = False
    bandit: Bandit | None = None
    ramp: Ramp | None = None
    start_date: float | None = None
    end_date: float | None = None
    layer: Layer | None = None
    prior: LiftPrior | None = None
    price: float | None = None
    holdout: Holdout | None = None
    team: TeamTerms | None = None
    auto: bool = False
    seed: int = 0
    tags: tuple[str, ...] = ()

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The primary metric, those of the guardrails, and the secondary ones."""
        return (self.primary, *(item.metric for item in self.guardrails), *self.secondary)

    @property
    def as_compared(self) -> Plan:
        """The plan as its arms are compared: what is promoted against what stood there before.

        A holdout serves them the other way round, as its control is the file as it stands.
        """
        return self if self.holdout is None else replace(self, variants=self.variants[::-1])

    @property
    def control(self) -> Variant:
        """The arm that is the file as it stands."""
        return self.variants[0]

    @property
    def share_of_units(self) -> float:
        """The share of all units that take part."""
        return self.traffic * (1.0 if self.layer is None else self.layer.count / 1000)

    @property
    def moves_shares(self) -> bool:
        """Whether shares change on the way, so that those in force stand with each draw."""
        return self.bandit is not None or self.ramp is not None

    @property
    def knows_its_draw(self) -> bool:
        """Whether evidence can rest on how the arms were drawn: here, one treatment alone.

        The primary metric is one that trials have, and units are no eval cases. The blocks of
        several machines are not drawn one after the other.
        """
        drawn = (Assignment.BLOCK, Assignment.HASH, Assignment.WEIGHTED)
        return (
            self.assignment in drawn
            and self.unit is not Unit.CASE
            and len(self.variants) == 2
            and self.primary.is_recorded
            and self.team is None
        )

    @property
    def treatments(self) -> tuple[Variant, ...]:
        """The arms that may be promoted, in the order of the plan."""
        return tuple(item for item in self.variants[1:] if item.comparator is None)

    @property
    def comparators(self) -> tuple[Variant, ...]:
        """The arms that are there to be compared alone."""
        return tuple(item for item in self.variants[1:] if item.comparator is not None)
