"""All experiments of a project side by side, as one document."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from meta_experiment.records import dataclass
from meta_experiment.types.analysis import Interval
from meta_experiment.types.field_marks import MOMENT
from meta_experiment.types.results.report import ReportDocument
from meta_experiment.types.results.report_standing import StandingState
from meta_experiment.types.vocabulary import Decision, ReasonCode, Status

SCHEMA = "project-report/v1"


class Urgency(StrEnum):
    """Urgency of what is to be done about an experiment, the most urgent first.

    An action is `due`, somebody should `look` (an alert, data nothing can be decided on, no
    trial for days), it is `open`, a `draft`, lacks its `lesson`, or there is `nothing`.
    """

    DUE = "due"
    LOOK = "look"
    OPEN = "open"
    DRAFT = "draft"
    LESSON = "lesson"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class ProjectExperiment:
    """Experiment as its board has it.

    `improvement` and its interval are None where they are not known without its trials, which
    are not read for this. `overridden` was promoted against its evidence. `watches` names what
    a holdout is of, and `finding` is what the last holdout of a promotion answered.
    """

    experiment_id: str
    name: str
    files: tuple[str, ...]
    status: Status
    state: StandingState
    urgency: Urgency
    decision: Decision | None
    reason_code: ReasonCode | None
    metric: str
    label: str
    treatment: str | None
    improvement: float | None
    interval: Interval | None
    trials: int
    created: float = field(metadata=MOMENT)
    promoted: float | None = field(metadata=MOMENT)
    ended: float | None = field(metadata=MOMENT)
    overridden: bool
    watches: str | None
    finding: ReasonCode | None
    alerts: tuple[str, ...]
    next_action: str


@dataclass(frozen=True, slots=True)
class PromptGenerations:
    """A prompt file with the experiments on it, from the first to the last.

    A holdout is no generation: what it found is told of what it watches.
    """

    path: str
    experiments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SavedAmount:
    """Amount that was or will be saved, below zero it costs more; an end may be unbounded."""

    saved: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class MetricSavings:
    """What is saved of a metric, in its unit, by the `promotions` of which that is known.

    `month` is of 30 days with the texts that stand now, at the rate of use seen last of each
    prompt; `so_far` is of each from its promotion until it was taken back, at its own rate.
    """

    metric: str
    label: str
    unit: str
    promotions: int
    month: SavedAmount
    so_far: SavedAmount


@dataclass(frozen=True, slots=True)
class ProjectImpact:
    """What all promotions so far save, as it was estimated when each was decided.

    Of `promotions`, the `standing` were not taken back, and the `known` have figures and a
    rate of use; of the `watched` among these it is their holdout's own estimate, and those of
    `elsewhere` were not measured in this checkout, but came along in the registry.
    """

    promotions: int
    standing: int
    known: int
    watched: int
    elsewhere: tuple[str, ...]
    level: float | None
    items: tuple[MetricSavings, ...]


@dataclass(frozen=True, slots=True)
class FalseDiscoveries:
    """How many promotions may be of what changes nothing, all experiments together.

    `tried` are the experiments on prompts that were started, `promotions` those of which a
    treatment was promoted, taken back since or not: `overridden` of them against their
    evidence, and `unknown` without an e-value on record. `expected` bounds how many useless
    ones are expected to be promoted by their evidence. `standing` are those that stand
    together at a false-discovery rate of `level` (e-BH); one more does with an e-value of
    `needed`.
    """

    tried: int
    promotions: int
    overridden: int
    unknown: int
    expected: float
    level: float
    standing: tuple[str, ...]
    needed: float


@dataclass(frozen=True, slots=True)
class ProjectReport:
    """Every experiment, the most urgent first and then the newest, and prompts by generation.

    `decided` are those that ended by a promotion, a rollback or a stop, `promoted` those of
    which that was last done, whether they were put away since or not. A draft that was put
    away has decided nothing, nor has a holdout. Without a promotion nothing is owed to chance.
    """

    schema: str
    as_of: float = field(metadata=MOMENT)
    experiments: tuple[ProjectExperiment, ...]
    generations: tuple[PromptGenerations, ...]
    decided: int
    promoted: int
    impact: ProjectImpact | None
    false_discoveries: FalseDiscoveries | None


ReportAnswer = ReportDocument | ProjectReport
