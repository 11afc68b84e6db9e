"""What an experiment came to, as one document: all that any form of a report is written from.

It is bounded whatever the number of trials, and holds no absolute path, no name of a user or a
machine, and no key of a unit but the names of cases, unless `units` were asked for.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from meta_experiment.records import dataclass
from meta_experiment.types.analysis import Alert, Checks, Interval, Readiness
from meta_experiment.types.experiment import Amendment, Outcome
from meta_experiment.types.field_marks import MOMENT
from meta_experiment.types.plan import Plan
from meta_experiment.types.results.report_metrics import ReportResult
from meta_experiment.types.results.report_standing import (
    CheckReading,
    EndingEvidence,
    ReportAhead,
    ReportStanding,
)
from meta_experiment.types.results.report_units import UnitList
from meta_experiment.types.vocabulary import (
    Comparator,
    Decision,
    ReasonCode,
    Status,
    Unit,
)

SCHEMA = "report/v1"


class GateName(StrEnum):
    """The gates of a decision, in the order in which they are told."""

    DATA = "data"
    UNITS = "units"
    GUARDRAILS = "guardrails"
    EVIDENCE = "evidence"
    THRESHOLD = "threshold"
    DOUBTS = "doubts"
    TIME = "time"


class GateState(StrEnum):
    """State of a gate: it let the decision pass, stopped it, waits, or was not asked.

    `nothing_yet`: there are no data to ask it of.
    """

    PASSED = "passed"
    FAILED = "failed"
    OPEN = "open"
    NOT_ASKED = "not_asked"
    NOTHING_YET = "nothing_yet"


@dataclass(frozen=True, slots=True)
class ReportVerdict:
    """The decision with its reason; `leading` is the treatment that is spoken of.

    `bar` is the natural logarithm of the evidence that a promotion needs, `bar_worse` that of
    a rejection by the primary metric. `any_look` says that the rule may be asked at any look,
    not at one alone, `by_e_values` that its evidence is e-values: odds against chance.
    """

    decision: Decision
    reason_code: ReasonCode
    reason: str
    winner: str | None
    leading: str | None
    next_action: str
    bar: float
    bar_worse: float
    any_look: bool
    by_e_values: bool


@dataclass(frozen=True, slots=True)
class GateReading:
    """Gate with what was seen and what is needed; None where neither is one number.

    Evidence is in natural logarithms, an effect a fraction. `decides` marks the gate that the
    reason of the verdict is of.
    """

    gate: GateName
    state: GateState
    seen: float | None
    needed: float | None
    sentence: str
    decides: bool


@dataclass(frozen=True, slots=True)
class ReportArm:
    """Arm of the plan; `ended` says why it gets no more units."""

    name: str
    weight: float
    comparator: Comparator | None
    ended: str | None


@dataclass(frozen=True, slots=True)
class EvidencePoint:
    """The primary metric at one look, once so many units had closed.

    Evidence is in natural logarithms. `valid` tells whether the plan's rule may decide at that
    look. `at` is None where the units do not say when they closed.
    """

    control_units: int
    treatment_units: int
    at: float | None = field(metadata=MOMENT)
    effect: float | None
    low: float | None
    high: float | None
    log_better: float
    log_worse: float
    log_better_adjusted: float
    valid: bool


@dataclass(frozen=True, slots=True)
class EvidenceSeries:
    """The evidence for a treatment over the looks; `bar` is what it must reach.

    `first_enough` are the units of the smaller arm when a valid look first found enough to
    promote, `enough_since` those since when every look did; None where none does. `looks` are
    all there were; of many, `points` holds some.
    """

    treatment: str
    bar: float
    first_enough: int | None
    enough_since: int | None
    looks: int
    points: tuple[EvidencePoint, ...]


@dataclass(frozen=True, slots=True)
class CasePair:
    """A case with its value in both arms, and how many runs stand behind each."""

    case: str
    control: float
    treatment: float
    control_runs: int
    treatment_runs: int


@dataclass(frozen=True, slots=True)
class CaseComparison:
    """Cases of one treatment, from the largest gain to the largest loss.

    Of many those that changed most each way; the counts are of all. `no_signal` names cases
    that are the same in both arms.
    """

    treatment: str
    better: int
    worse: int
    same: int
    rows: tuple[CasePair, ...]
    no_signal: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ArmFlow:
    """Units of an arm from the draw to the comparison, and what was left out on the way.

    `exclusions` and `cut_short` count trials by reason, `missing` units by metric.
    """

    assigned: int
    exposed: int
    closed: int
    compared: int
    trials: int
    exclusions: dict[str, int]
    cut_short: dict[str, int]
    missing: dict[str, int]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Units by arm for each step of time from `begin` on; none where no unit has a time."""

    begin: float | None = field(metadata=MOMENT)
    step_seconds: float
    units: dict[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class VersionUse:
    """Version that trials ran on: what of it, which one, when, and trials by arm."""

    kind: str
    version: str
    first: float | None = field(metadata=MOMENT)
    last: float | None = field(metadata=MOMENT)
    trials: dict[str, int]


@dataclass(frozen=True, slots=True)
class Stratum:
    """The effect on the primary metric in a part of the units; to explore, it decides nothing.

    `part` is `model`, `client` or `half`.
    """

    part: str
    name: str
    treatment: str
    control_units: int
    treatment_units: int
    effect: float | None
    interval: Interval


@dataclass(frozen=True, slots=True)
class PromptVersion:
    """The text of one arm at a path."""

    sha256: str
    size: int
    lines: int


@dataclass(frozen=True, slots=True)
class PromptDiff:
    """What a treatment changes: lines added and removed, and the diff if not too long."""

    treatment: str
    added: int
    removed: int
    diff: str | None


@dataclass(frozen=True, slots=True)
class ReportPrompt:
    """A prompt file: its text in each arm, and what each treatment changes."""

    path: str
    versions: dict[str, PromptVersion]
    diffs: tuple[PromptDiff, ...]


@dataclass(frozen=True, slots=True)
class CostReport:
    """Money that the trials took by arm, in US dollars, and what 1,000 uses would save.

    None where it was not recorded.
    """

    spent: dict[str, float | None]
    saved_per_1000_uses: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class ImpactItem:
    """What a month of uses would save of a metric, in its unit; below zero it costs more."""

    metric: str
    label: str
    unit: str
    per_use: float
    saved: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class ExpectedImpact:
    """What the leading treatment would save in 30 days, at the rate of use seen so far.

    `uses` are those of 30 days; None where the time is too short to tell a rate.
    """

    treatment: str
    uses: float | None
    items: tuple[ImpactItem, ...]


@dataclass(frozen=True, slots=True)
class ReportEvent:
    """A change of state, as the history has it."""

    at: float = field(metadata=MOMENT)
    verb: str
    before: str | None
    after: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the report rests on, and the commands that make it again.

    `data_sha256` is that of all that the trials say, in the order of their ids. `set_aside` are
    damaged lines, `conflicts` values that were told twice and differently, `apart` logs that
    do not count.
    """

    program: str
    python: str
    plan_sha256: str
    data_sha256: str
    trials: int
    set_aside: int
    conflicts: int
    apart: int
    commit: str | None
    seed: int
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReportDocument:
    """What an experiment came to, of which every form of its report is written.

    `moved` says that other trials count by now than when it was decided.
    """

    schema: str
    experiment_id: str
    as_of: float = field(metadata=MOMENT)
    status: Status
    created: float = field(metadata=MOMENT)
    started: float | None = field(metadata=MOMENT)
    ended: float | None = field(metadata=MOMENT)
    unit: Unit
    standing: ReportStanding
    verdict: ReportVerdict
    ahead: ReportAhead
    gates: tuple[GateReading, ...]
    readiness: Readiness
    arms: tuple[ReportArm, ...]
    endings: tuple[EndingEvidence, ...]
    alerts: tuple[Alert, ...]
    results: tuple[ReportResult, ...]
    series: tuple[EvidenceSeries, ...]
    pairs: tuple[CaseComparison, ...]
    units: UnitList | None
    checks: Checks
    health: tuple[CheckReading, ...]
    flow: dict[str, ArmFlow]
    arrivals: Arrivals
    versions: tuple[VersionUse, ...]
    strata: tuple[Stratum, ...]
    prompts: tuple[ReportPrompt, ...]
    cost: CostReport
    impact: ExpectedImpact | None
    plan: Plan
    amendments: tuple[Amendment, ...]
    events: tuple[ReportEvent, ...]
    outcomes: tuple[Outcome, ...]
    moved: str | None
    notes: tuple[str, ...]
    provenance: Provenance
