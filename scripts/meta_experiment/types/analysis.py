"""Evidence and verdict, as computed from plan and trials alone.

Relative effects are fractions signed so that positive is better for the user,
whatever the metric's direction. Absolute effects are treatment minus control in the
metric's own unit (for the log scale: of the geometric means).
"""

from __future__ import annotations

from dataclasses import field

from meta_experiment.records import dataclass
from meta_experiment.types.field_marks import MOMENT, SPARE
from meta_experiment.types.standings import BanditStanding, HoldoutStanding, RampStanding
from meta_experiment.types.vocabulary import (
    AlertKind,
    Comparator,
    Decision,
    Direction,
    GuardrailState,
    MetricKind,
    ReasonCode,
    Scale,
)


@dataclass(frozen=True, slots=True)
class Interval:
    """Bounds of a relative effect at a level; None is unbounded on that side.

    Both are None where the effects that are not rejected are no interval.
    """

    level: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class SampleCount:
    """Units of an arm by the stage they reached, and why trials were left out.

    `trials` are those that ended and count, of all its units.
    """

    assigned: int
    exposed: int
    completed: int
    trials: int
    excluded: int
    exclusions: dict[str, int]


@dataclass(frozen=True, slots=True)
class ArmSummary:
    """Moments of one arm's unit values; `mean` and `sd` raw, `log_*` where all are positive."""

    n: int
    mean: float | None
    sd: float | None
    log_mean: float | None
    log_sd: float | None


@dataclass(frozen=True, slots=True)
class Effect:
    """Treatment against control."""

    absolute: float | None
    relative: float | None


@dataclass(frozen=True, slots=True)
class EffectSize:
    """Standardised difference, positive is better."""

    cohens_d: float | None
    hedges_g: float | None
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class SequentialEvidence:
    """Evidence that may be looked at after every trial.

    `e_promote` and `e_reject` are e-values for "better" and "worse"; `p_anytime` is one
    over that of the side the estimate lies on, at most 1; `interval` covers the relative effect
    at all looks at once, with α on each side.
    """

    rule: str
    e_promote: float
    e_reject: float
    p_anytime: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Comparison with what the covariates explain taken out, as the evidence rests on it.

    `interval` holds at one look. `explained` is the share of the variance that the covariates
    explain, `units_saved` how many more units it would have taken to know as much without.
    `slopes` are by covariate, on the metric's scale; those in `dropped` do not vary, or repeat
    others.
    """

    effect: Effect
    interval: Interval
    explained: float
    units_saved: int
    slopes: dict[str, float]
    dropped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Correction:
    """What is left of a comparison that is one of several, as it decides.

    `alpha` is the part of α at which the treatment's own evidence promotes it, given that of
    the others. `p_value` is one-sided, for "better", and valid when the plan's rule may be
    asked; `e_promote` is None where the rule has no e-values. The lower end of `interval` has
    that part of α and passes what the plan claims exactly when they convince; the upper has α.
    """

    alpha: float
    e_promote: float | None
    p_value: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Risk:
    """Expected loss of a choice: in the metric's unit, and as a part of the control.

    On the log scale `relative` is one of logarithms, which is nearly that part, and `absolute`
    is None; `relative` is None against a control of zero. Both are None where it is not finite.
    """

    absolute: float | None
    relative: float | None


@dataclass(frozen=True, slots=True)
class NormalLift:
    """The relative effect as normal: by the delta method, or as a difference of logarithms.

    Fractions, positive is better, as are the risks. On the log scale all but `interval` are of
    logarithms.
    """

    mean: float
    sd: float
    interval: Interval
    chance_better: float
    risk_control: float
    risk_treatment: float


@dataclass(frozen=True, slots=True)
class Posterior:
    """What is believed of a comparison at this look; it decides nothing.

    `risk_control` is what keeping the control is expected to forgo, `risk_treatment` what
    taking the treatment is expected to lose. `interval` is credible, of the relative effect.
    `reached_by_equal_arms` is how often arms that do not differ reach a chance as high at one
    of so many `looks`.
    """

    model: str
    chance_better: float
    risk_control: Risk
    risk_treatment: Risk
    interval: Interval
    looks: int
    reached_by_equal_arms: float
    lift: NormalLift | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Comparison of a treatment with the control on a metric; None is no evidence.

    It stands by itself, but for `corrected`: on the primary metric, beside other treatments.
    """

    control: str
    treatment: str
    test: str
    statistic: float | None
    df: float | None
    p_value: float | None
    effect: Effect
    interval: Interval
    effect_size: EffectSize
    sequential: SequentialEvidence | None
    error: str | None = None
    adjusted: Adjustment | None = field(default=None, metadata=SPARE)
    corrected: Correction | None = field(default=None, metadata=SPARE)
    posterior: Posterior | None = field(default=None, metadata=SPARE)

    @property
    def estimate(self) -> Effect:
        """The effect that is decided on: adjusted where covariates explain something."""
        return (self.adjusted or self).effect


@dataclass(frozen=True, slots=True)
class PrimaryResult:
    """The metric that decides, arm by arm and treatment by treatment.

    `statistic` names what of an arm is compared, such as its geometric mean.
    """

    metric: str
    kind: MetricKind
    direction: Direction
    scale: Scale
    statistic: str
    variants: dict[str, ArmSummary]
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True)
class ComparatorResult:
    """What one arm is beside another of which one is a comparator; it decides nothing.

    `results` are of each metric of the plan, the arms being `control` and `treatment` there.
    """

    comparator: Comparator
    control: str
    treatment: str
    results: tuple[PrimaryResult, ...]


@dataclass(frozen=True, slots=True)
class GuardrailResult:
    """Result of one guardrail for one treatment.

    `beyond` says that the estimate is worse than the margin allows, proven or not.
    """

    metric: str
    treatment: str
    margin: float
    required: bool
    state: GuardrailState
    reason: str
    comparison: Comparison | None
    beyond: bool = False


@dataclass(frozen=True, slots=True)
class SrmCheck:
    """Do the arms' sizes fit the planned shares? Sequential, safe at every look.

    `over_time`: instead of these, another system's shares are compared, of days with all.
    """

    ok: bool
    counts: dict[str, int]
    expected: dict[str, float]
    p_value: float | None
    p_anytime: float | None
    over_time: bool = False


@dataclass(frozen=True, slots=True)
class AttritionCheck:
    """Do the arms lose trials at the same rate?

    `lost` are trials that were cut short, never closed, closed without a value of the primary
    metric, or excluded. `p_value` is always valid. `reason` says what a promotion is held to
    where a treatment misses more values than the control.
    """

    ok: bool
    lost: dict[str, int]
    exposed: dict[str, int]
    p_value: float | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ExposureCheck:
    """Did assigned units really receive their variant?"""

    ok: bool
    assigned: int
    exposed: int


@dataclass(frozen=True, slots=True)
class FingerprintCheck:
    """Models and client versions that the evidence is tied to, by number of trials."""

    ok: bool
    models: dict[str, int]
    clients: dict[str, int]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class LatenessCheck:
    """Does as much come late in every arm, of days that were collected before it was there?

    `late` is the share by arm, of what `measure` says: units, units with a value, or the sum of
    a metric. `p_value` is valid at every collection; `days` is how many were told again.
    """

    ok: bool
    measure: str
    late: dict[str, float]
    p_value: float
    days: int


@dataclass(frozen=True, slots=True)
class Checks:
    """Data quality; `lateness` of collected days alone."""

    srm: SrmCheck
    attrition: AttritionCheck
    exposure: ExposureCheck
    fingerprint: FingerprintCheck
    lateness: LatenessCheck | None = None


@dataclass(frozen=True, slots=True)
class Readiness:
    """Readiness for a decision; `waits_until` is when a collected plan's last day is in."""

    ready: bool
    needed_per_arm: int
    smallest_arm: int
    days_running: float
    days_left: float | None
    reason: str
    waits_until: float | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """Something a person should look at; it decides nothing unless the plan lets it act."""

    kind: AlertKind
    message: str
    treatment: str | None = None


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What stands between the treatment that leads and its promotion; of a guardrail which."""

    reason_code: ReasonCode
    reason: str
    metric: str | None = None


@dataclass(frozen=True, slots=True)
class EndedArm:
    """A treatment that harm, its plan's alert or a person has ended; the others go on.

    `at` is since when it is on record, so that its units get the control; None while it is not.
    Without a `reason_code` it was ended by hand.
    """

    treatment: str
    at: float | None = field(metadata=MOMENT)
    reason_code: ReasonCode | None
    reason: str


@dataclass(frozen=True, slots=True)
class ExactEvidence:
    """E-values of the draw alone, for better ranks and for worse, valid at every look.

    They need no assumption on the values, and tell a shift no more than another shape: they
    speak against no effect on anyone. `units` are those whose place in the draw is known.
    """

    treatment: str
    units: int
    e_better: float
    e_worse: float


@dataclass(frozen=True, slots=True)
class Interaction:
    """What another experiment on the same units does to a treatment's effect; never decides.

    `alone` is the effect on the primary metric among units that had the other's control,
    `together` among those that had its treatment `beside`; `difference` is by how much the
    latter is better, with its interval at one look. Relative on the log scale, else in the
    metric's unit; more is better.
    """

    treatment: str
    other: str
    beside: str
    units: int
    relative: bool
    alone: float
    together: float
    difference: float
    interval: Interval
    p_value: float


@dataclass(frozen=True, slots=True)
class Analysis:
    """Evidence and verdict at a moment that was given, not read from a clock.

    `obstacles` are those of the treatment that leads while nothing is decided, what is told
    first first. `best` is each arm's chance to be the best on the primary metric, where the
    plan's rule shows it; None for an arm of which too little is known.
    """

    experiment_id: str
    as_of: float = field(metadata=MOMENT)
    decision: Decision
    reason_code: ReasonCode
    reason: str
    winner: str | None
    readiness: Readiness
    samples: dict[str, SampleCount]
    primary: PrimaryResult
    secondary: tuple[PrimaryResult, ...]
    guardrails: tuple[GuardrailResult, ...]
    checks: Checks
    notes: tuple[str, ...] = ()
    alerts: tuple[Alert, ...] = ()
    ended: tuple[EndedArm, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    exact: ExactEvidence | None = field(default=None, metadata=SPARE)
    bandit: BanditStanding | None = field(default=None, metadata=SPARE)
    ramp: RampStanding | None = field(default=None, metadata=SPARE)
    holdout: HoldoutStanding | None = field(default=None, metadata=SPARE)
    interactions: tuple[Interaction, ...] = field(default=(), metadata=SPARE)
    comparators: tuple[ComparatorResult, ...] = ()
    best: dict[str, float | None] = field(default_factory=dict, metadata=SPARE)

    @property
    def going_on(self) -> tuple[Comparison, ...]:
        """The comparisons of the treatments that have not ended."""
        ended = {item.treatment for item in self.ended}
        return tuple(item for item in self.primary.comparisons if item.treatment not in ended)
