"""Agentic workflows: the words for what one declares under `experiments:`."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from meta_experiment.records import dataclass

MIN_SAMPLES = 20  # what gh-aw takes where a workflow says nothing
CONFIDENCE = 0.95  # likewise
FEWEST_VARIANTS = 2  # that make an experiment


class StateStorage(StrEnum):
    """Where gh-aw keeps the assignments: a branch of the repository, or the cache."""

    REPO = "repo"
    CACHE = "cache"


class HistoryIdentity(StrEnum):
    """What of a workflow begins a new history when it changes."""

    FRONTMATTER = "frontmatter"
    FULL = "full"
    WORKFLOW = "workflow"


class DeclaredTest(StrEnum):
    """The test that gh-aw would make."""

    T_TEST = "t_test"
    MANN_WHITNEY = "mann_whitney"
    PROPORTION_TEST = "proportion_test"
    BAYESIAN_AB = "bayesian_ab"


class BoundSide(StrEnum):
    """Which values of a guardrail are good: those below its bound, or above."""

    MIN = "min"
    MAX = "max"


class OddityLevel(StrEnum):
    """Whether gh-aw refuses or drops something, or reads it and something is amiss."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something about a workflow file that its author should know; line and column from 1."""

    line: int
    column: int
    level: OddityLevel
    message: str


@dataclass(frozen=True, slots=True)
class MetricBound:
    """A guardrail: a metric and the value that it must keep to.

    `comparison` is one of >=, <=, ==, > and <, `stated` the threshold as it is written.
    """

    name: str
    comparison: str
    bound: float
    stated: str


@dataclass(frozen=True, slots=True)
class EffectPolicy:
    """What gh-aw's decision asks of an effect, in units of the metric."""

    minimum_effect: float = 0.0
    regression_tolerance: float | None = None
    confidence: float = CONFIDENCE


@dataclass(frozen=True, slots=True)
class NotifyTargets:
    """The issue and the discussion that are to hear of a decision."""

    issue: int | None = None
    discussion: int | None = None


@dataclass(frozen=True, slots=True)
class ContinualRamp:
    """Growing shares of the candidate, in per cent, drawn by a seed."""

    seed: str
    ramp: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DeclaredExperiment:
    """An experiment as a workflow declares it, with gh-aw's defaults for what it leaves out.

    The first variant is the control. `weight` is None where none is in force: none is
    stated, or it does not fit the variants. `bare` tells the form that is a list alone. Dates
    are YYYY-MM-DD, both inclusive, in UTC.
    """

    name: str
    variants: tuple[str, ...]
    line: int
    column: int
    bare: bool = False
    description: str | None = None
    hypothesis: str | None = None
    metric: str | None = None
    secondary_metrics: tuple[str, ...] = ()
    guardrail_metrics: tuple[MetricBound, ...] = ()
    min_samples: int = MIN_SAMPLES
    weight: tuple[float, ...] | None = None
    issue: int | None = None
    start_date: str | None = None
    end_date: str | None = None
    analysis_type: DeclaredTest | None = None
    decision: EffectPolicy = field(default_factory=EffectPolicy)
    tags: tuple[str, ...] = ()
    notify: NotifyTargets | None = None
    continual: ContinualRamp | None = None

    @property
    def control(self) -> str:
        """The variant that runs get which are not part of the experiment."""
        return self.variants[0]


@dataclass(frozen=True, slots=True)
class WorkflowSpecification:
    """All that a workflow file says of experiments, and what is odd about it.

    `evals` and `graders` are the identifiers that it declares beside them; a metric may name
    one as its source. `harness_version` stands in compiled files alone.
    """

    experiments: tuple[DeclaredExperiment, ...] = ()
    storage: StateStorage = StateStorage.REPO
    identity: HistoryIdentity = HistoryIdentity.FRONTMATTER
    oddities: tuple[Oddity, ...] = ()
    evals: tuple[str, ...] = ()
    graders: tuple[str, ...] = ()
    harness_version: str | None = None

    def experiment(self, name: str) -> DeclaredExperiment | None:
        """Return the experiment of that name."""
        return next((item for item in self.experiments if item.name == name), None)


@dataclass(frozen=True, slots=True)
class BodyCondition:
    """A condition in a workflow's text that cannot tell variants apart, and why."""

    line: int
    column: int
    text: str
    why: str
