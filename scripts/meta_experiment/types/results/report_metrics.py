"""What an experiment came to on each of its metrics, as its report has it."""

from __future__ import annotations

from enum import StrEnum

from meta_experiment.records import dataclass
from meta_experiment.types.analysis import Effect, Interval
from meta_experiment.types.vocabulary import Direction, MetricKind, Scale


class MetricRole(StrEnum):
    """Role of a metric: the one that decides, one that may not get worse, or one beside."""

    PRIMARY = "primary"
    GUARDRAIL = "guardrail"
    SECONDARY = "secondary"
    EXPLORED = "explored"


class ResultState(StrEnum):
    """State of a comparison; `early` is before the plan's minimum, `shown` decides nothing.

    A guardrail that is not settled is `open` while its estimate lies within the margin, and
    `beyond` where it does not.
    """

    BETTER = "better"
    WORSE = "worse"
    OPEN = "open"
    HOLDS = "holds"
    BEYOND = "beyond"
    BROKEN = "broken"
    MISSING = "missing"
    EARLY = "early"
    SHOWN = "shown"

    @property
    def word(self) -> str:
        """The word that every form has for it."""
        return _WORDS.get(self, self.value)


_WORDS = {
    ResultState.BEYOND: "beyond its margin",
    ResultState.EARLY: "too early",
    ResultState.SHOWN: "shown only",
}


@dataclass(frozen=True, slots=True)
class ReportMetric:
    """A metric as it is spoken of: `better` and `worse` are the words for a change."""

    name: str
    label: str
    unit: str
    kind: MetricKind
    direction: Direction
    scale: Scale
    statistic: str
    role: MetricRole
    margin: float | None
    better: str
    worse: str


@dataclass(frozen=True, slots=True)
class ValueCount:
    """How many units have a value."""

    value: float
    units: int


@dataclass(frozen=True, slots=True)
class ArmDistribution:
    """Unit values of one arm: every one, or counts of few, or of bins (see `edges` beside).

    `quantiles` are by their per cent. `missing` are exposed units without a value.
    """

    n: int
    missing: int
    mean: float | None
    sd: float | None
    centre: float | None
    quantiles: dict[str, float]
    values: tuple[float, ...]
    counts: tuple[ValueCount, ...]
    bins: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ComparisonEvidence:
    """Evidence in natural logarithms; `log_better_adjusted` is that of one of several.

    Of a guardrail also that the change is within its margin, and beyond it.
    """

    rule: str
    log_better: float
    log_worse: float
    log_better_adjusted: float
    log_within_margin: float | None
    log_beyond_margin: float | None


@dataclass(frozen=True, slots=True)
class ReportComparison:
    """A treatment against the control on one metric, in the metric's unit; + is better.

    `interval` is that of the plan's rule, with α on each side: it passes no change (of a
    guardrail, its margin) exactly when the evidence reaches the bar.
    """

    treatment: str
    state: ResultState
    control_units: int
    treatment_units: int
    control_value: float | None
    treatment_value: float | None
    effect: Effect
    interval: Interval
    evidence: ComparisonEvidence | None
    error: str | None


@dataclass(frozen=True, slots=True)
class ReportResult:
    """All that is known of one metric; `edges` are those of the bins of its distributions."""

    metric: ReportMetric
    arms: dict[str, ArmDistribution]
    edges: tuple[float, ...]
    comparisons: tuple[ReportComparison, ...]
