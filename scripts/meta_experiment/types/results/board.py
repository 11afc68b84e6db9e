"""The board: documents from the start, as their rows are kept ready on disk.

`status` starts fast and never loads this module: it is for type checkers and the schema.
"""

from __future__ import annotations

from typing import Any, NewType, TypedDict

from meta_experiment.types.vocabulary import (
    Aim,
    CarryOut,
    Decision,
    Direction,
    Lack,
    ReasonCode,
    Scale,
    Skill,
    Stage,
    Status,
)

Instant = NewType("Instant", str)
OutcomeDocument = NewType("OutcomeDocument", dict[str, Any])


class BoardMetric(TypedDict):
    """The metric that decides."""

    metric: str
    direction: Direction
    scale: Scale
    unit: str
    statistic: str


class BoardTeam(TypedDict):
    """Where a team's promotion goes, how, and the only machines that count, if it names any."""

    branch: str
    carry_out: CarryOut
    machines: list[str]


class BoardArm(TypedDict):
    """Arm: units with a value and their mean, None where its logs were not read."""

    name: str
    n: int | None
    mean: float | None


class BoardObstacle(TypedDict):
    """What holds a promotion back; of a guardrail the metric."""

    reason_code: ReasonCode
    reason: str
    metric: str | None


class BoardProgress(TypedDict):
    """Progress of an experiment towards its decision; None where its logs were not read.

    `fraction`, of units and evidence, is 1 once it is decided. `units_to_go` (per arm) and
    `days_to_go` are a forecast from what is seen so far, None where there is none. `held_by` is
    what holds a promotion back beside units and evidence. `waits_until` is when the last of
    its days can be collected.
    """

    trials: int
    smallest_arm: int | None
    needed_per_arm: int
    fraction: float | None
    units_to_go: int | None
    days_to_go: float | None
    held_by: list[BoardObstacle]
    days_left: float | None
    waits_until: Instant | None


class BoardEndedArm(TypedDict):
    """Treatment that has ended while the others go on; `at` is None until it is on record."""

    treatment: str
    at: Instant | None
    reason_code: ReasonCode | None
    reason: str


class BoardBandit(TypedDict):
    """Standing of a bandit, as an analysis has it: shares and chances by variant."""

    aim: Aim
    floor: float
    shares: dict[str, float]
    chances: dict[str, float | None]
    known: int
    leads: str | None
    spared: float | None
    information: float | None


class BoardRamp(TypedDict):
    """Standing of a ramp, as an analysis has it (see `RampStanding`)."""

    steps: list[float]
    step: int
    share: float
    since: Instant | None
    units: int
    needed: int
    next_share: float | None
    due: Instant | None
    waits: str
    back: str | None
    shares: dict[str, float]
    known: int


class BoardHoldout(TypedDict):
    """Standing of a holdout, as an analysis has it: e-values for what it may show."""

    of: str
    still_better: float
    reversed: float
    decayed: float
    decayed_below: float
    previous: int
    promoted: int


class BoardInterval(TypedDict):
    """Bounds of a relative effect at a level, + is better; None is unbounded."""

    level: float
    low: float | None
    high: float | None


class BoardRow(TypedDict):
    """Row of an experiment: its plan in short, how it stands, and what to do next.

    `improvement` is that of `leading`, the winner or what looks best, and None before every arm
    has the plan's minimum; `interval` is that of the plan's rule, None where it is not known.
    `apart` says which of its logs do not count, and where others did when it was decided.
    `outcome` is what was done last; `promoted` is when a treatment took the place of the
    control, though it was taken back since, with the e-value it had then, where that is on
    record. `team` is None where it is measured by one machine alone. `bandit` and `ramp` are
    None where units are drawn in another way, or its logs were not read. `holdout`
    is None where it is none; that names in `watches` what was promoted. `stage` is how far it
    is, `missing` what it lacks for the next, and `skill` who helps with that.
    """

    id: str
    name: str
    status: Status
    hypothesis: str
    files: list[str]
    auto: bool
    team: BoardTeam | None
    alpha: float
    created: Instant
    started: Instant | None
    max_duration_days: float
    start_date: Instant | None
    end_date: Instant | None
    primary: BoardMetric
    variants: list[BoardArm]
    progress: BoardProgress
    ended: list[BoardEndedArm]
    improvement: float | None
    interval: BoardInterval | None
    leading: str | None
    decision: Decision | None
    reason_code: ReasonCode | None
    reason: str | None
    winner: str | None
    apart: list[str]
    alerts: list[str]
    bandit: BoardBandit | None
    ramp: BoardRamp | None
    watches: str | None
    holdout: BoardHoldout | None
    outcome: OutcomeDocument | None
    promoted: Instant | None
    promoted_e_value: float | None
    stage: Stage
    missing: list[Lack]
    skill: Skill
    next_action: str


class BoardPlan(TypedDict):
    """Plan file of which no experiment was made yet, at the top of the root.

    `warnings` are what speaks against it, or why it cannot be read.
    """

    file: str
    name: str | None
    hypothesis: str | None
    files: list[str]
    stage: Stage
    missing: list[Lack]
    skill: Skill
    next_action: str
    warnings: list[str]


class BoardOpenEnd(TypedDict):
    """What an experiment left to be tried next, in the words of whoever wrote its entry."""

    id: str
    files: list[str]
    next: str


class BoardStep(TypedDict):
    """What waits foremost: `about` is the id of an experiment or a plan file, None for nothing.

    Due comes first, then what ended and has no entry, what had no trial for days, plans, and
    what just runs.
    """

    about: str | None
    stage: Stage
    missing: list[Lack]
    skill: Skill
    next_action: str


class BoardSaving(TypedDict):
    """What is saved of a metric in 30 days, in its unit; below zero it costs more."""

    label: str
    unit: str
    saved: float
    low: float | None
    high: float | None


class BoardSavings(TypedDict):
    """What the promotions that stand save a month: an estimate of those that are known.

    Of these the `elsewhere` were not measured in this checkout, but came along in the registry.
    """

    promotions: int
    known: int
    elsewhere: int
    items: list[BoardSaving]


class BoardFalseDiscoveries(TypedDict):
    """How many promotions chance may have made (see `FalseDiscoveries`)."""

    tried: int
    promotions: int
    overridden: int
    unknown: int
    expected: float
    level: float
    standing: list[str]
    needed: float


class BoardSummary(TypedDict):
    """Numbers of experiments by where they are; what promotions save, and owe to chance."""

    active: int
    promoted: int
    rolled_back: int
    expired: int
    archived: int
    total: int
    saved: BoardSavings | None
    false_discoveries: BoardFalseDiscoveries | None


class BoardView(TypedDict):
    """Rows to show, plan files, open ends, what waits foremost, sums, what is unreadable."""

    experiments: list[BoardRow]
    plans: list[BoardPlan]
    open_ends: list[BoardOpenEnd]
    foremost: BoardStep
    summary: BoardSummary
    notes: list[str]
