"""Sums and results in the form in which feature-flag experiments keep them.

The names are those of that form, so that its readers find what they look for; what it has not
stands beside. Differences of rows are treatment over control less one, whichever is better;
chances and risks know which is.
"""

from __future__ import annotations

from dataclasses import field

from meta_experiment.records import dataclass
from meta_experiment.types.analysis import Analysis
from meta_experiment.types.field_marks import MOMENT, SPARE
from meta_experiment.types.vocabulary import Decision, GuardrailState, ReasonCode

EventSumsDocument = dict[str, dict[str, bool | dict[str, float]]]
"""Sums by event and variant; `inverse` of an event says that lower is better."""


@dataclass(frozen=True, slots=True)
class ObservationWindow:
    """The days that were looked at."""

    start: float | None = field(metadata=MOMENT)
    end: float | None = field(metadata=MOMENT)


@dataclass(frozen=True, slots=True)
class StatedPrior:
    """A prior of the lift as fractions; not `proper` is flat."""

    proper: bool
    mean: float
    stddev: float | None


@dataclass(frozen=True, slots=True)
class RatioCheck:
    """Units by variant against the planned shares, or those summed over draws."""

    chi2_p_value: float | None
    ok: bool
    observed: dict[str, int]
    expected: dict[str, float]


@dataclass(frozen=True, slots=True)
class VariantRow:
    """A variant on a metric, and how it compares with the control; None is not known.

    `p_win`, `p_harm` and the risks are of the normal lift. `chance_better` is that of the
    model that the program believes, `reached_by_equal_arms` how often equal arms show as high
    a one at as many looks; `anytime_lower` and `anytime_upper` hold at every look.
    """

    variant: str
    n: int
    is_control: bool
    conversions: int | None = field(default=None, metadata=SPARE)
    rate: float | None = field(default=None, metadata=SPARE)
    mean: float | None = field(default=None, metadata=SPARE)
    variance: float | None = field(default=None, metadata=SPARE)
    rel_delta: float | None = None
    ci_lower: float | None = None
    ci_upper: float | None = None
    p_win: float | None = None
    p_harm: float | None = None
    risk_ctrl: float | None = None
    risk_trt: float | None = None
    chance_better: float | None = None
    reached_by_equal_arms: float | None = None
    anytime_lower: float | None = None
    anytime_upper: float | None = None


@dataclass(frozen=True, slots=True)
class MetricRows:
    """All variants on one metric; `inverse` says that lower is better."""

    event: str
    metric_type: str
    inverse: bool
    rows: tuple[VariantRow, ...]
    verdict: str
    state: GuardrailState | None = None


@dataclass(frozen=True, slots=True)
class MinimumCheck:
    """Units by variant against the least that the plan asks for."""

    minimum_per_variant: int
    ok: bool
    variants: dict[str, int]


@dataclass(frozen=True, slots=True)
class BestArm:
    """Chance of an arm to be the best, and its share of the next units."""

    arm: str
    p_best: float | None
    recommended_weight: float | None


@dataclass(frozen=True, slots=True)
class ThompsonSampling:
    """The standing of a bandit."""

    results: tuple[BestArm, ...]
    enough_units: bool
    update_message: str
    seed: int


@dataclass(frozen=True, slots=True)
class BanditStop:
    """Whether a bandit is to stop: by the e-values that decide, never by a chance."""

    met: bool
    best_arm: str | None
    p_best: float | None
    threshold: float
    message: str


@dataclass(frozen=True, slots=True)
class SourceResult:
    """An analysis in that form: `type` is `bayesian_ab`, or `bandit`."""

    type: str
    form: str
    experiment: str
    computed_at: float = field(metadata=MOMENT)
    window: ObservationWindow
    control: str
    treatments: tuple[str, ...]
    prior: StatedPrior
    srm: RatioCheck
    primary_metric: MetricRows
    guardrails: tuple[MetricRows, ...]
    sample_check: MinimumCheck
    plan_digest: str | None
    decision: Decision
    reason_code: ReasonCode
    reason: str
    warnings: tuple[str, ...]
    best: dict[str, float | None]
    algorithm: str | None = field(default=None, metadata=SPARE)
    metric: str | None = field(default=None, metadata=SPARE)
    arms: tuple[str, ...] = field(default=(), metadata=SPARE)
    thompson_sampling: ThompsonSampling | None = field(default=None, metadata=SPARE)
    stopping: BanditStop | None = field(default=None, metadata=SPARE)
    aim: str | None = field(default=None, metadata=SPARE)
    floor: float | None = field(default=None, metadata=SPARE)


@dataclass(frozen=True, slots=True)
class StatedDifference:
    """A figure that a document states and its own counts do not give."""

    place: str
    stated: str
    recomputed: str


@dataclass(frozen=True, slots=True)
class Recomputation:
    """What sums in that form come to: computed here, whatever the document states.

    `input_data` are the sums as they were understood, to be written out again.
    """

    source: str
    result: SourceResult
    input_data: dict[str, EventSumsDocument]
    differences: tuple[StatedDifference, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SourceInput:
    """Sums by event and variant."""

    metrics: EventSumsDocument


SourceAnswer = SourceResult | SourceInput
AnalysisAnswer = Analysis | SourceAnswer
