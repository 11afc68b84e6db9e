"""Summary of an experiment's runs: each of them, each case, each variant, their ranking."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from meta_experiment.records import dataclass
from meta_experiment.types.analysis import Interval
from meta_experiment.types.cases import CriterionKind
from meta_experiment.types.field_marks import MOMENT
from meta_experiment.types.results.run import RunsSetAside
from meta_experiment.types.vocabulary import Decision, ReasonCode, Scale, Status, TrialStatus


class RunState(StrEnum):
    """What a run is to the evidence.

    `counts`: it is recorded. `waits`: it has ended, and one before it in the schedule has not.
    `under_way`: it was begun. `stopped`: it was ended before it was done, and is to be made
    again. `set_aside`: its block does not count, through no fault of a variant.
    """

    COUNTS = "counts"
    WAITS = "waits"
    UNDER_WAY = "under_way"
    STOPPED = "stopped"
    SET_ASIDE = "set_aside"


@dataclass(frozen=True, slots=True)
class RunMetrics:
    """What a run took and did; null is not known. `prompt_tokens` are cached ones as well.

    `tool_successes` and `tool_failures` are uses of tools; files and lines are those that
    differ from where the run began, committed or not.
    """

    duration_ms: float | None
    prompt_tokens: float | None
    completion_tokens: float | None
    total_tokens: float | None
    total_cost: float | None
    tool_calls: float | None
    tool_successes: float | None
    tool_failures: float | None
    files_modified: float | None
    lines_changed: float | None


@dataclass(frozen=True, slots=True)
class CriterionEvaluation:
    """Verdict of a criterion on a run: `score` is 1 or 0, and null with no verdict.

    `answers` are those of a judge that was asked more than once, `person` what a person says.
    """

    criterion: str
    kind: CriterionKind
    passed: bool | None
    score: float | None
    weight: float
    details: str
    answers: tuple[bool | None, ...]
    person: bool | None


@dataclass(frozen=True, slots=True)
class RunView:
    """One run: what it is to the evidence, how it ended, what it took, how it was judged.

    `value` is that of the primary metric, `output` the beginning of what it answered. Without
    an end there is no `status`.
    """

    case: str
    repeat: int
    variant: str
    state: RunState
    status: TrialStatus | None
    error: str | None
    success: bool | None
    score: float | None
    value: float | None
    metrics: RunMetrics | None
    evaluations: tuple[CriterionEvaluation, ...]
    output: str
    attempts: int
    started_at: float | None = field(metadata=MOMENT)
    completed_at: float | None = field(metadata=MOMENT)


@dataclass(frozen=True, slots=True)
class RunFold:
    """Runs that count of one variant, on one case or on all: means, and their spread.

    `successes` are of those whose success is known, `judged`. The spread of the value is the
    standard deviation between runs. `usd` and `tokens` are null where a run's are not known;
    `statuses` says how they ended.
    """

    case: str | None
    variant: str
    runs: int
    judged: int
    successes: int
    score: float | None
    value: float | None
    value_sd: float | None
    usd: float | None
    tokens: float | None
    seconds: float | None
    statuses: dict[str, int]


@dataclass(frozen=True, slots=True)
class VariantSteadiness:
    """How far a variant's repeats agree, over the cases that have several.

    `pass_all` is the chance that `tries` runs of a case all succeed, `flip_rate` the share of
    cases with a success and a failure, `noise_floor` the standard deviation of the primary
    metric between repeats, on its scale (of logarithms where the plan compares ratios).
    """

    variant: str
    tries: int
    pass_all: float | None
    flip_rate: float | None
    noise_floor: float | None
    usd_per_success: float | None


@dataclass(frozen=True, slots=True)
class MeasureNoise:
    """How far equal texts differ by chance in a criterion, a score or the primary metric.

    `run` is the standard deviation between repeats of one case, and `repeats` the difference of
    two equal arms on as many cases and repeats that 19 of 20 stay below, as these tell it. `aa`
    is the difference of the A/A arm, `aa_bound` the one that 19 of 20 such arms stay below, by
    what its cases differ by. Where `relative`, all are fractions of the control's value, else
    in the measure's own unit. None is not known.
    """

    name: str
    relative: bool
    cases: int
    run: float | None
    repeats: float | None
    aa: float | None
    aa_bound: float | None


@dataclass(frozen=True, slots=True)
class RankedVariant:
    """A variant's place by score, price and time, beside what is known of its effect.

    `standing` is the mean score, a run that did not end counting 0. The effect is on the
    primary metric, positive is better; `interval` holds at every look. Without `decided` the
    place is chance as far as anybody knows.
    """

    variant: str
    place: int
    standing: float | None
    usd: float | None
    seconds: float | None
    effect: float | None
    interval: Interval | None
    decided: bool
    verdict: str


@dataclass(frozen=True, slots=True)
class AgreementFigures:
    """How often two agree, beyond chance as well, with intervals of a level.

    `kappa` is null where one of them always says the same: chance explains as much then.
    """

    level: float
    share: float
    low: float
    high: float
    kappa: float | None
    kappa_low: float | None
    kappa_high: float | None


@dataclass(frozen=True, slots=True)
class PreferenceFigures:
    """Which works a judge prefers by a criterion, a treatment's or the control's.

    Of all `pairs` the treatment `won`, `lost` or `tied`. `unasked` are those where nobody was
    asked, as a run had not ended well or both works were the same, `unanswered` those without a
    verdict, `contradicted` ties in which it preferred another work in another order: the one
    it read first in both orders (`first_twice`), the one it read second, or neither once.
    `share` is how far the treatment is preferred, of 1.
    """

    treatment: str
    criterion: str
    pairs: int
    won: int
    lost: int
    tied: int
    unasked: int
    unanswered: int
    contradicted: int
    first_twice: int
    second_twice: int
    share: float | None


@dataclass(frozen=True, slots=True)
class JudgeFigures:
    """How far a judge is to be believed.

    `asked` verdicts were asked for, twice each; `disagreements` are those where it contradicted
    itself, so that there is none, `unanswered` those where an answer was none. `compared` are
    verdicts that a person gave as well, `agreed` those alike. `usd` is null where a price is
    not known. `judges` says who judged how many runs and pairs.
    """

    asked: int
    disagreements: int
    unanswered: int
    compared: int
    agreed: int
    usd: float | None
    tokens: float
    agreement: AgreementFigures | None
    judges: dict[str, int]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """All that is known of an experiment's runs on this machine.

    `runs` and `cases` are of one case where that was asked for. `cases` and `variants` fold the
    runs that count; `open_verdicts` is how many runs wait for a verdict. An effect is shown to
    people from `shown_from` cases per variant on; it is null where there are as many.
    `decision` is null before the first run counts.
    """

    experiment_id: str
    status: Status
    metric: str
    unit: str
    scale: Scale
    runs: tuple[RunView, ...]
    cases: tuple[RunFold, ...]
    variants: tuple[RunFold, ...]
    steadiness: tuple[VariantSteadiness, ...]
    ranking: tuple[RankedVariant, ...]
    set_aside: tuple[RunsSetAside, ...]
    states: dict[str, int]
    open_verdicts: int
    judge: JudgeFigures | None
    preferences: tuple[PreferenceFigures, ...]
    shown_from: int | None
    noise: tuple[MeasureNoise, ...]
    decision: Decision | None
    reason_code: ReasonCode | None
    reason: str
