"""Summary of an experiment's runs: what they came to, and how sure that is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from meta_experiment.decide.due_actions import recorded_decision
from meta_experiment.errors import NotFoundError, cite
from meta_experiment.records import dataclass
from meta_experiment.runs.criteria.judging import final_score
from meta_experiment.runs.ranking import Candidate, ranked, standing
from meta_experiment.runs.stability import cost_per_success, flip_rate, noise_floor, pass_all
from meta_experiment.services.acting.analysing import examine
from meta_experiment.services.running.judge_figures import judge_figures, preference_figures
from meta_experiment.services.running.run_noise import run_noise
from meta_experiment.services.running.run_records import RunRecords, run_records
from meta_experiment.services.running.run_views import SUCCESS, value_of, view_of
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import (
    Analysis,
    Comparator,
    ComparatorResult,
    Decision,
    Metric,
    Scale,
    TrialStatus,
)
from meta_experiment.types.analysis import Comparison, Interval
from meta_experiment.types.results.run import RunsSetAside
from meta_experiment.types.results.run_summary import (
    RankedVariant,
    RunFold,
    RunState,
    RunSummary,
    VariantSteadiness,
)
from meta_experiment.types.runs import CellOutcome

_MOST_TRIES = 5


@dataclass(frozen=True, slots=True)
class _VariantRuns:
    """Runs that count of one variant, of one case or of all."""

    case: str | None
    variant: str
    outcomes: Sequence[CellOutcome]


def summary(workspace: Workspace, selector: str, case: str | None = None) -> RunSummary:
    """Sum up the runs of an experiment; with a `case` its runs alone are listed and folded.

    Raises:
        NotFoundError: there is no such experiment, or no run of it here.
        CorruptStoreError: what is on record cannot be read.
    """
    found = run_records(workspace, selector)
    experiment = found.experiment
    plan, metric = experiment.plan, experiment.plan.primary
    states = found.states
    counting = [item for item in found.outcomes if states[item.cell] is RunState.COUNTS]
    analysis = examine(workspace, experiment).analysis if counting else None
    decided = recorded_decision(experiment) or analysis
    arms = [
        _VariantRuns(
            None, item.name, [run for run in counting if run.cell.variant == item.name]
        )
        for item in plan.variants
    ]
    records = [item for item in found.records if case in (None, item.cell.case_id)]
    if not records:
        raise NotFoundError(
            f"No run of {experiment.experiment_id} is on a case {cite(case)}.",
            hint=f"See the cases: meta-experiment runs show {experiment.experiment_id}",
        )
    return RunSummary(
        experiment_id=experiment.experiment_id,
        status=experiment.status,
        metric=metric.name,
        unit=metric.unit,
        scale=metric.scale,
        runs=tuple(view_of(item, states[item.cell], metric) for item in records),
        cases=tuple(
            _fold(group, metric) for group in _by_case(arms) if case in (None, group.case)
        ),
        variants=tuple(_fold(arm, metric) for arm in arms),
        steadiness=tuple(_steadiness(arm, metric) for arm in arms),
        ranking=tuple(_ranking(arms, metric, analysis)),
        set_aside=tuple(_aside(found)),
        states=dict(Counter(state.value for state in states.values())),
        open_verdicts=found.open_verdicts,
        judge=judge_figures(found.outcomes, found.contests),
        preferences=tuple(preference_figures(found.contests)),
        shown_from=_shown_from(analysis) if analysis else None,
        noise=tuple(run_noise(plan, counting)),
        decision=decided.decision if decided else None,
        reason_code=decided.reason_code if decided else None,
        reason=decided.reason if decided else "No run counts yet.",
    )


def _by_case(arms: Iterable[_VariantRuns]) -> Iterator[_VariantRuns]:
    groups: dict[tuple[str, str], list[CellOutcome]] = {}
    for arm in arms:
        for outcome in arm.outcomes:
            groups.setdefault((outcome.cell.case_id, arm.variant), []).append(outcome)
    order = {arm.variant: place for place, arm in enumerate(arms)}
    for case, variant in sorted(groups, key=lambda key: (key[0], order[key[1]])):
        yield _VariantRuns(case, variant, groups[case, variant])


def _fold(group: _VariantRuns, metric: Metric) -> RunFold:
    runs = group.outcomes
    judged = _successes(runs)
    values = _known(value_of(run, metric) for run in runs)
    return RunFold(
        case=group.case,
        variant=group.variant,
        runs=len(runs),
        judged=len(judged),
        successes=sum(judged),
        score=_mean(_known(final_score(run.criteria) for run in runs)),
        value=_mean(values),
        value_sd=noise_floor([values]),
        usd=_whole_mean([run.report.spent.usd for run in runs]),
        tokens=_whole_mean([run.report.metrics.get("total_tokens") for run in runs]),
        seconds=_whole_mean([run.report.metrics.get("duration_seconds") for run in runs]),
        statuses=dict(Counter(run.report.status.value for run in runs)),
    )


def _steadiness(arm: _VariantRuns, metric: Metric) -> VariantSteadiness:
    cases = list(_by_case([arm]))
    passed = [_successes(group.outcomes) for group in cases]
    tries = min((len(item) for item in passed if len(item) > 1), default=1)
    tries = min(tries, _MOST_TRIES)
    judged = [item for runs in passed for item in runs]
    values = (_known(value_of(run, metric) for run in group.outcomes) for group in cases)
    return VariantSteadiness(
        variant=arm.variant,
        tries=tries,
        pass_all=pass_all(tries, passed),
        flip_rate=flip_rate(passed),
        noise_floor=noise_floor(_scaled(item, metric) for item in values),
        usd_per_success=cost_per_success(
            [run.report.spent.usd for run in arm.outcomes if not _is_open(run)], sum(judged)
        ),
    )


def _scaled(values: Sequence[float], metric: Metric) -> Sequence[float]:
    """Return values on the scale on which they are compared."""
    if metric.scale is not Scale.LOG:
        return values
    return [math.log(value) for value in values if value > 0]


def _ranking(
    arms: Sequence[_VariantRuns], metric: Metric, analysis: Analysis | None
) -> Iterator[RankedVariant]:
    folds = {arm.variant: _fold(arm, metric) for arm in arms if arm.outcomes}
    candidates = [
        Candidate(arm.variant, _standing(arm.outcomes), fold.usd, fold.seconds)
        for arm in arms
        if (fold := folds.get(arm.variant)) is not None
    ]
    against = {
        item.treatment: item for item in (analysis.primary.comparisons if analysis else ())
    } | _beside_the_control(analysis)
    kinds = {item.treatment: item.comparator for item in _comparators(analysis)}
    for place, item in enumerate(ranked(candidates), start=1):
        comparison = against.get(item.name)
        verdict = _verdict(item.name, comparison, analysis)
        yield RankedVariant(
            variant=item.name,
            place=place,
            standing=item.standing,
            usd=item.usd,
            seconds=item.seconds,
            effect=comparison.estimate.relative if comparison else None,
            interval=_always_valid(comparison),
            decided=verdict is not None,
            verdict=verdict or _undecided(comparison, kinds.get(item.name)),
        )


def _comparators(analysis: Analysis | None) -> Iterator[ComparatorResult]:
    """Yield what comparators are beside the control."""
    for item in analysis.comparators if analysis else ():
        if analysis and item.control == analysis.primary.comparisons[0].control:
            yield item


def _beside_the_control(analysis: Analysis | None) -> dict[str, Comparison]:
    return {item.treatment: item.results[0].comparisons[0] for item in _comparators(analysis)}


def _undecided(comparison: Comparison | None, kind: Comparator | None) -> str:
    if kind is not None:
        return "never promoted"
    return "control" if comparison is None else "not decided"


def _standing(runs: Sequence[CellOutcome]) -> float | None:
    """Return what a variant ranks by: a run that did not end has earned nothing.

    One that waits for a verdict says nothing yet.
    """
    found = [
        standing(run.criteria, completed=run.report.status is TrialStatus.OK)
        for run in runs
        if not _is_open(run)
    ]
    if all(item is None for item in found):
        return None
    return _mean([item or 0.0 for item in found])


def _is_open(run: CellOutcome) -> bool:
    """Whether a run that ended well waits for a verdict."""
    ended = run.report.status is TrialStatus.OK
    return ended and run.awaits_verdict


def _verdict(name: str, comparison: Comparison | None, analysis: Analysis | None) -> str | None:
    if comparison is None or analysis is None:
        return None
    ended = {item.treatment for item in analysis.ended}
    if name in ended:
        return "ended"
    if analysis.decision is Decision.PROMOTE and analysis.winner == name:
        return "better"
    return "not better" if analysis.decision is Decision.REJECT else None


def _always_valid(comparison: Comparison | None) -> Interval | None:
    if comparison is None:
        return None
    if comparison.corrected is not None:
        return comparison.corrected.interval
    return comparison.sequential.interval if comparison.sequential else None


def _shown_from(analysis: Analysis) -> int | None:
    ready = analysis.readiness
    return None if ready.smallest_arm >= ready.needed_per_arm else ready.needed_per_arm


def _aside(found: RunRecords) -> Iterator[RunsSetAside]:
    for (case, repeat), reason in sorted(found.aside.items()):
        yield RunsSetAside(case, repeat, reason)


def _successes(runs: Iterable[CellOutcome]) -> list[bool]:
    known = (run.report.metrics.get(SUCCESS) for run in runs)
    return [value == 1.0 for value in known if value is not None]


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _whole_mean(values: Sequence[float | None]) -> float | None:
    """Return the mean, None where one of them is not known."""
    known = _known(values)
    return _mean(known) if len(known) == len(values) else None


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None
