"""Result of an import of a workflow's runs: what each experiment got, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from meta_experiment.records import dataclass
from meta_experiment.types.field_marks import MOMENT
from meta_experiment.types.results.forecast import Reach
from meta_experiment.types.vocabulary import Decision, ReasonCode


@dataclass(frozen=True, slots=True)
class UnmappedMetric:
    """A metric that a workflow names and its runs do not measure; `nearest` is one that is."""

    declared: str
    nearest: str | None


@dataclass(frozen=True, slots=True)
class VariantRunCount:
    """Runs of a variant: as its state counts them, and those whose outcome is recorded.

    `cut_off` are known by number alone, `gated` lay outside the experiment's dates and count
    nowhere. `needed` is how many more with a value of the primary metric the plan asks for.
    """

    drawn: int
    cut_off: int
    gated: int
    measured: int
    needed: int


@dataclass(frozen=True, slots=True)
class ExperimentStanding:
    """Standing of a workflow's experiment by this pack's rules.

    `reach` are the smallest relative improvements that so many runs per variant find in 80% of
    cases, with the days they take at the present rate; `outlook` says it. `runs_per_day` is of
    all variants together. `days_to_go` is None where more runs do not promise a decision, and
    `ready_on` the moment at which it is reached.
    """

    decision: Decision
    reason_code: ReasonCode
    reason: str
    winner: str | None
    runs_per_day: float | None
    days_to_go: float | None
    ready_on: float | None = field(metadata=MOMENT)
    reach: tuple[Reach, ...]
    outlook: str


@dataclass(frozen=True, slots=True)
class WorkflowExperimentImport:
    """What one experiment got. `refusal` says why it got nothing; the rest is then empty.

    `experiment_id` is None where nothing holds the trials. `excluded` counts runs by the
    reason why they do not count.
    """

    experiment: str
    experiment_id: str | None
    created: bool
    control: str | None
    primary_metric: str | None
    added: int
    completed: int
    already_recorded: int
    excluded: Mapping[str, int]
    variants: Mapping[str, VariantRunCount]
    unmapped: tuple[UnmappedMetric, ...]
    standing: ExperimentStanding | None
    notes: tuple[str, ...]
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class WorkflowImport:
    """Result of an import of a workflow's runs.

    `runs` is how many were read of `source`; `refused` those of which nothing counts, with the
    reason, and `set_aside` what could not be read of their state. `left_out` counts what is
    missing of the others, by reason.
    """

    workflow: str
    file: str
    source: str
    dry_run: bool
    runs: int
    others: int
    empty: int
    refused: Mapping[str, str]
    set_aside: tuple[str, ...]
    left_out: Mapping[str, int]
    experiments: tuple[WorkflowExperimentImport, ...]
    notes: tuple[str, ...]
