"""Runs as trials: one of each cell, under a name that says which it is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from meta_experiment.decide.metrics.preferences import EVEN
from meta_experiment.errors import ConflictError, UsageError, as_word
from meta_experiment.model.metrics import known_metric
from meta_experiment.runs.agents import Agent
from meta_experiment.runs.asking import identity
from meta_experiment.runs.criteria.judging import VERDICTS
from meta_experiment.store.trial_log import EventKind, TrialEvent
from meta_experiment.types import Plan, Trial
from meta_experiment.types.cases import Case
from meta_experiment.types.runs import CellOutcome, ContestOutcome, RunBlock, RunCell

_CASE = "case"  # in a fingerprint: the first digits of the case's SHA-256
_DIGITS = 12
_MOMENT = 1e-5  # seconds that tell two blocks apart
PREFERENCE = "preference"
AGENT, JUDGE, _JUDGE_MODEL = "agent", "judge", "judge_model"  # in a fingerprint
_MODEL_FLAGS = {AGENT: "--model", JUDGE: "--judge-model"}


def trial_id(cell: RunCell) -> str:
    """Return the name of a cell's trial, the same whenever it is recorded."""
    return cell.name


class PlaceInTime:
    """The moments at which blocks are assigned, in the order of the schedule.

    Trials that nobody drew from a sequence are read in the order of these moments. A run that
    is made again, or by another machine beside those before it, may begin out of its turn: it
    is recorded as begun when the one before it was. What it took is among its metrics.
    """

    def __init__(self, recorded: Iterable[Trial]) -> None:
        """Begin behind what is recorded."""
        known = (item.assigned_at for item in recorded)
        self._floor = max((at + _MOMENT for at in known if at is not None), default=-math.inf)

    def of_block(self, outcomes: Sequence[CellOutcome], now: float) -> tuple[float, ...]:
        """Return the moment of each run: not in the future, which another clock may be in."""
        moments = tuple(max(min(item.started, now), self._floor) for item in outcomes)
        self._floor = min(moments) + _MOMENT
        return moments


def events_of(
    outcome: CellOutcome,
    case: Case,
    plan: Plan,
    contest: ContestOutcome | None = None,
    at: float | None = None,
) -> tuple[TrialEvent, ...]:
    """Return what is recorded of a run: when it began (`at`), and what it came to.

    That is also what it came to in the `contest` of its block.
    """
    at = outcome.started if at is None else at
    cell, report = outcome.cell, outcome.report
    metrics = {**report.metrics, **preferences(cell, plan, contest)}
    about = (trial_id(cell), cell.variant, cell.case_id)
    unknown = unknown_metrics([outcome], plan)
    return (
        TrialEvent(EventKind.ASSIGNED, at, *about),
        TrialEvent(EventKind.EXPOSED, at, *about),
        TrialEvent(
            EventKind.RECORDED,
            max(outcome.ended, at),
            *about,
            status=report.status,
            metrics={name: value for name, value in metrics.items() if name not in unknown},
            fingerprint={
                **report.fingerprint,
                **_judges(outcome, contest),
                _CASE: case.sha256[:_DIGITS],
            },
        ),
    )


def preferences(cell: RunCell, plan: Plan, contest: ContestOutcome | None) -> dict[str, float]:
    """Return how far a run is preferred to the control's; the control's own is one half.

    It has that also where the judge could say nothing of a treatment: what that misses is
    held against it.
    """
    if contest is None:
        return {}
    is_control = cell.variant == plan.control.name
    share = EVEN if is_control else contest.preferred(cell.variant)
    return {} if share is None else {PREFERENCE: share}


def _judges(outcome: CellOutcome, contest: ContestOutcome | None) -> dict[str, str]:
    """Return which judge judged a run, and its model."""
    if contest is not None:
        known = (contest.judge, contest.judge_model)
    else:
        known = (outcome.judge, outcome.judge_model)
    return {name: item for name, item in zip((JUDGE, _JUDGE_MODEL), known, strict=True) if item}


def judges_of(trials: Iterable[Trial]) -> Counter[str]:
    """Count the trials by the judge that judged them."""
    return Counter(item.fingerprint[JUDGE] for item in trials if JUDGE in item.fingerprint)


def unknown_metrics(outcomes: Iterable[CellOutcome], plan: Plan) -> list[str]:
    """Return what agents measured that neither the plan names nor everybody knows."""
    planned = {name for metric in plan.metrics for name in metric.recorded}
    measured = {name for outcome in outcomes for name in outcome.report.metrics}
    return sorted(name for name in measured - planned if known_metric(name) is None)


def rests_on_verdicts(plan: Plan) -> bool:
    """Whether a metric of a plan is made of what criteria say."""
    return any(name in VERDICTS for item in plan.metrics for name in item.recorded)


def blocks_left(blocks: Sequence[RunBlock], recorded: Container[str]) -> tuple[RunBlock, ...]:
    """Return the blocks that are not recorded yet; what is recorded comes first for ever."""
    return tuple(
        block for block in blocks if not all(trial_id(cell) in recorded for cell in block.cells)
    )


def require_judge(plan: Plan, cases: Iterable[Case], judge: Agent | None) -> None:
    """Refuse runs for a preference that nobody would be asked for.

    Raises:
        UsageError: says what is missing.
    """
    if PREFERENCE not in [item.name for item in plan.metrics]:
        return
    asked = any(item.preferences for item in cases)
    if judge is None or not asked:
        what = "no case has a criterion of that type" if judge else "no judge is named"
        raise UsageError(
            f"The plan compares by {PREFERENCE}, which a judge gives, and {what}.",
            hint='Name one, --judge claude, and say in each case what to prefer: {"type": '
            '"preference", "target": "the clearer review"}',
        )


def require_same_agent(
    outcomes: Iterable[CellOutcome], trials: Iterable[Trial], agent: Agent, *, another: bool
) -> Iterator[str]:
    """Refuse an agent other than the one that ran so far, or say so where that is wanted.

    Raises:
        ConflictError: names both.
    """
    ran = {item.trial_id: item.fingerprint.get(AGENT) for item in trials}
    ran |= {trial_id(item.cell): item.report.fingerprint.get(AGENT) for item in outcomes}
    before = Counter(name for name in ran.values() if name)
    return _require_same(AGENT, before, agent.identity, another=another)


def require_same_judge(
    trials: Iterable[Trial], judge: Agent | None, *, another: bool
) -> Iterator[str]:
    """Refuse a judge other than the one that judged so far, or say so where that is wanted.

    Raises:
        ConflictError: names both.
    """
    if judge is None:
        return iter(())
    return _require_same(JUDGE, judges_of(trials), identity(judge), another=another)


def _require_same(
    what: str, before: Mapping[str, int], now: str, *, another: bool
) -> Iterator[str]:
    others = {name: count for name, count in before.items() if name != now}
    if not others:
        return
    known = ", ".join(f"{name} ({count:,} runs)" for name, count in others.items())
    if not another:
        raise ConflictError(
            f"The {what} would be {now}; so far it was {known}. What two of them did would "
            "count as one's.",
            hint=f"Name the same --{what} and {_MODEL_FLAGS[what]}, or say --another-{what} "
            "to go on with both.",
        )
    yield f"From now on the {what} is {now}, before it was {known}: what all did counts."


def require_same_cases(trials: Iterable[Trial], cases: Mapping[str, Case]) -> None:
    """Refuse a case that says something else than when it was run.

    Raises:
        ConflictError: names the case.
    """
    for trial in trials:
        case, ran = cases.get(trial.unit), trial.fingerprint.get(_CASE)
        if case is not None and ran is not None and ran != case.sha256[:_DIGITS]:
            raise ConflictError(
                f"The case {as_word(trial.unit)} is not what it was when it was run: trials of "
                "two tasks would count as one.",
                hint="Give the changed case another id, or bring the old one back.",
            )
