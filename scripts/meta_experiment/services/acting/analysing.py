"""Evidence and verdict of one experiment, from what is stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from meta_experiment.decide.analysis import analyze_on, basis_of
from meta_experiment.decide.basis import Basis
from meta_experiment.decide.due_actions import recorded_decision
from meta_experiment.decide.horizon import stands_until
from meta_experiment.errors import InvalidStateError, NotFoundError, cite
from meta_experiment.model.collected_document import CollectedState
from meta_experiment.model.instants import to_text
from meta_experiment.model.metrics import KNOWN_METRICS
from meta_experiment.protocol.log_head import REGISTRY
from meta_experiment.records import dataclass
from meta_experiment.services.acting.shared_units import beside_others, others_on_its_units
from meta_experiment.services.find import find_in
from meta_experiment.services.workspace import Workspace, problems
from meta_experiment.store.inline_trials import IN_THE_REGISTRY
from meta_experiment.store.trial_log import TrialLog
from meta_experiment.types import (
    Analysis,
    Decision,
    Direction,
    Experiment,
    Metric,
    Plan,
    Status,
    Trial,
)
from meta_experiment.types.results.examination import Examination
from meta_experiment.types.results.explanation import Explanation
from meta_experiment.types.results.report import EvidenceSeries

IN_THE_PRIOR = "in_the_prior"
_DAY_ONE = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Study:
    """An examination with all that it rests on: trials that were read or sums, the basis."""

    examination: Examination
    basis: Basis
    trials: tuple[Trial, ...]
    log: TrialLog
    collected: CollectedState | None = None

    @property
    def series(self) -> tuple[EvidenceSeries, ...]:
        """The evidence look by look: as units closed, or after each day of sums."""
        from meta_experiment.decide.reporting.collected_course import series_of_sums
        from meta_experiment.decide.reporting.series import series

        if self.collected is not None:
            return series_of_sums(self.basis, self.collected.sums)
        return series(self.basis)


def analyze(
    workspace: Workspace,
    selector: str,
    current: Mapping[str, str] | None = None,
    *,
    exact: bool = False,
    interactions: bool = False,
) -> Examination:
    """Compute evidence and verdict now; changes nothing.

    `current` is the fingerprint of what runs now, such as the model: evidence that never saw
    it is stale and promotes nothing. With `exact`, what the draw alone says stands beside,
    with `interactions` what other experiments on the same units do to the effect.

    Raises:
        InvalidStateError: the experiment has not started.
        UsageError: the draw is asked for, and is not known.
    """
    found = find_in(workspace.store, selector)
    return study(
        workspace, found, current, explore=True, exact=exact, interactions=interactions
    ).examination


def examine(
    workspace: Workspace,
    experiment: Experiment,
    current: Mapping[str, str] | None = None,
    *,
    exhausted: str | None = None,
    log: TrialLog | None = None,
) -> Examination:
    """Compute evidence and verdict of an experiment that was found already (see `study`)."""
    return study(workspace, experiment, current, exhausted=exhausted, log=log).examination


def study(
    workspace: Workspace,
    experiment: Experiment,
    current: Mapping[str, str] | None = None,
    *,
    explore: bool = False,
    exact: bool = False,
    interactions: bool = False,
    exhausted: str | None = None,
    log: TrialLog | None = None,
) -> Study:
    """Compute evidence and verdict of an experiment, and keep what they rest on.

    `log` holds its trials where they were read already.

    With `explore`, judgements of quality that the plan does not name are reported as well.
    `exhausted` says at which point nothing more can come, where that is so. What has expired
    has no more to come either: where it is undecided, it is told as it ended.
    """
    if experiment.status is Status.DRAFT or experiment.started is None:
        raise InvalidStateError(
            f"{experiment.experiment_id} has not started, so there is nothing to analyse.",
            hint=f"meta-experiment start {experiment.experiment_id}",
        )
    plan, started, as_of = experiment.plan, experiment.began, workspace.clock()
    log = log or workspace.store.trials(experiment)
    trials = apart_from_prior(workspace, plan, tuple(log.trials))
    collected = workspace.checkout.collected(experiment.experiment_id)
    collected = collected and collected.until(as_of)
    if collected is None:
        basis = basis_of(plan, trials, as_of, experiment.ended_arms)
    else:
        from meta_experiment.decide.collected_basis import basis_of_sums

        trials = ()
        last = collected.last
        basis = basis_of_sums(plan, collected.sums, as_of, last.through, last.settles)
    analysis = analyze_on(
        basis,
        plan,
        trials,
        experiment_id=experiment.experiment_id,
        started=started,
        current=current,
        beside=_judgements(experiment, trials) if explore else (),
        ended=experiment.ended_arms,
        exhausted=exhausted,
        over=experiment.closed,
    )
    analysis = _as_ended(experiment, analysis)
    if explore:
        others = others_on_its_units(workspace, experiment)
        if others and interactions:
            met = tuple(beside_others(workspace, plan, trials, others))
            analysis = replace(analysis, interactions=met)
        elif others:
            analysis = replace(analysis, notes=(*analysis.notes, _shared(others)))
    if exact:
        from meta_experiment.decide.exact import exact_evidence

        analysis = replace(analysis, exact=exact_evidence(plan, trials, as_of))
    if plan.bandit is not None:
        from meta_experiment.services.recording.renewing import standing

        analysis = replace(analysis, bandit=standing(experiment, trials, analysis.samples))
    settled = experiment.ended is not None or basis.heard is not None
    until = stands_until(plan, trials, as_of, started, over=settled)
    if plan.ramp is not None:
        from meta_experiment.decide.ramp import ramp_standing

        ended = {item.treatment for item in experiment.ended_arms}
        status = experiment.status
        over = None if status.is_open else f"the experiment is {status.value}"
        ramp = ramp_standing(plan, trials, analysis, as_of, ended, over=over)
        analysis = replace(analysis, ramp=ramp)
        changes = (until, ramp.due)
        until = min((at for at in changes if at is not None and at > as_of), default=None)
    beside = tuple(_uncounted(experiment, log))
    if collected is not None:
        beside = (*beside, *_set_aside(log))
        analysis = replace(analysis, notes=(*analysis.notes, _collected(collected)))
    found = (*_inherited(experiment, log), *problems(log))
    return Study(
        Examination(experiment, analysis, found, beside, until), basis, trials, log, collected
    )


def _uncounted(experiment: Experiment, log: TrialLog) -> Iterator[str]:
    """Say which logs do not count."""
    if log.apart:
        from meta_experiment.services.recording.admitting import sentences

        yield from sentences(experiment.experiment_id, log.apart)


def _set_aside(log: TrialLog) -> Iterator[str]:
    """Say that trials do not count beside sums, which may hold the same units."""
    count = len(log.trials)
    if count:
        yield f"{count:,} recorded trials do not count: what was collected decides."


def _collected(state: CollectedState) -> str:
    """Say of what the evidence is, when it is of sums."""
    last, days = state.last, {day.day for day in state.sums.days if day.day is not None}
    units = sum(day.units for day in state.sums.days)
    until = (
        f" on {len(days):,} days until {_DAY_ONE + timedelta(max(days)):%Y-%m-%d}"
        if days
        else ""
    )
    return (
        f"The evidence rests on sums of {units:,} units{until}, collected last on "
        f"{to_text(last.at)} from {last.engine} by the mapping {last.mapping[:12]}."
    )


def _shared(others: Sequence[Experiment]) -> str:
    named = ", ".join(item.experiment_id for item in others)
    return (
        f"The same units may be in {named} as well; what that does to the effect: "
        "analyze --interactions"
    )


def _as_ended(experiment: Experiment, analysis: Analysis) -> Analysis:
    ended = recorded_decision(experiment) if experiment.status is Status.EXPIRED else None
    if ended is None or analysis.decision is not Decision.EXTEND:
        return analysis
    return replace(
        analysis,
        decision=ended.decision or analysis.decision,
        reason_code=ended.reason_code or analysis.reason_code,
        reason=ended.reason,
    )


def apart_from_prior(
    workspace: Workspace, plan: Plan, trials: tuple[Trial, ...]
) -> tuple[Trial, ...]:
    """Leave out trials that the plan's prior has learnt from: they would count twice."""
    if plan.prior is None or plan.prior.source is None:
        return trials
    try:
        source = find_in(workspace.store, plan.prior.source)
    except NotFoundError:
        return trials
    learnt = {trial.trial_id for trial in workspace.store.trials(source).trials}
    return tuple(
        replace(trial, excluded=IN_THE_PRIOR) if trial.trial_id in learnt else trial
        for trial in trials
    )


def _inherited(experiment: Experiment, log: TrialLog) -> Iterator[str]:
    """Say that trials count which stand in the registry: it is the user's to know whose."""
    count = len(experiment.inline_trials)
    if count and all(item.source != REGISTRY for item in log.apart):
        yield f"{count:,} of the trials stand {IN_THE_REGISTRY}"


def _judgements(experiment: Experiment, trials: Iterable[Trial]) -> list[Metric]:
    """Return what users recorded of quality, such as a rating, without having planned it.

    These are the known metrics of which more is better; what the client is seen to spend is
    none of them, so that each of these was recorded on purpose.
    """
    plan = experiment.plan
    planned = {name for metric in plan.metrics for name in (metric.name, *metric.recorded)}
    recorded = {name for trial in trials for name in trial.metrics}
    return [
        metric
        for name, metric in KNOWN_METRICS.items()
        if name in recorded and name not in planned and metric.direction is Direction.HIGHER
    ]


def explain(workspace: Workspace, selector: str) -> Explanation:
    """Say in one sentence why there is no decision yet, or what was decided."""
    experiment = find_in(workspace.store, selector)
    name = experiment.experiment_id
    if experiment.status is Status.DRAFT:
        return Explanation(
            name,
            experiment.status,
            None,
            None,
            f"{name} has not started: meta-experiment start {name}",
        )
    outcome = experiment.outcome
    if outcome is not None and experiment.status not in (Status.RUNNING, Status.PAUSED):
        followed = recorded_decision(experiment)
        return Explanation(
            name,
            experiment.status,
            followed.decision if followed else None,
            followed.reason_code if followed else None,
            f"{name} is {experiment.status.value}: {cite(outcome.reason)}",
        )
    from meta_experiment.decide.telling.explain import explain as decide_explain

    examined = examine(workspace, experiment)
    analysis = examined.analysis
    return Explanation(
        name,
        experiment.status,
        analysis.decision,
        analysis.reason_code,
        decide_explain(experiment.plan, analysis),
        examined.apart,
        experiment.plan.start_date,
        experiment.plan.end_date,
        analysis.ramp,
    )
