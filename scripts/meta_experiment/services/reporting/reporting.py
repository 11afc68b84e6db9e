"""The report of one experiment: everything that is known of it, as one document."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

from meta_experiment import __version__
from meta_experiment.decide.due_actions import AFTER
from meta_experiment.decide.holdout import within
from meta_experiment.decide.reporting.case_pairs import case_pairs
from meta_experiment.decide.reporting.collected_course import day_arrivals
from meta_experiment.decide.reporting.endings import endings
from meta_experiment.decide.reporting.gates import gates
from meta_experiment.decide.reporting.health import health
from meta_experiment.decide.reporting.impact import cost, impact
from meta_experiment.decide.reporting.results import results
from meta_experiment.decide.reporting.strata import strata
from meta_experiment.decide.reporting.unit_flow import arrivals, flow, versions
from meta_experiment.decide.reporting.unit_list import unit_list
from meta_experiment.decide.reporting.where_it_stands import standing_of
from meta_experiment.decide.shares import shares_of
from meta_experiment.decide.telling.explain import surer
from meta_experiment.decide.telling.progress import leading, progress
from meta_experiment.errors import InvalidStateError
from meta_experiment.model.instants import to_text
from meta_experiment.services.acting.analysing import Study, study
from meta_experiment.services.acting.decided_on import changed_since
from meta_experiment.services.acting.impacts import days_of_use, spent_metrics
from meta_experiment.services.board.rows import next_action
from meta_experiment.services.find import find_in
from meta_experiment.services.reporting.data_digest import data_digest
from meta_experiment.services.reporting.prompt_changes import prompt_changes
from meta_experiment.services.reporting.shared_text import without_folders
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.history import HistoryEntry
from meta_experiment.types import (
    Analysis,
    Comparison,
    Experiment,
    Outcome,
    Plan,
    Status,
    Trial,
)
from meta_experiment.types.results.report import (
    SCHEMA,
    Provenance,
    ReportArm,
    ReportDocument,
    ReportEvent,
    ReportVerdict,
)
from meta_experiment.types.results.report_standing import (
    ReportAhead,
    ReportStanding,
    WatchFinding,
)

_MOST_EVENTS = 100


def report(
    workspace: Workspace,
    selector: str,
    *,
    as_of: float | None = None,
    diff: bool = True,
    units: bool = False,
) -> ReportDocument:
    """Tell all that is known of an experiment; changes nothing.

    With `as_of`, seconds since the epoch, as it was then: on trials that had begun, and closed
    or not until then, without what happened to it since. The plan, which trials are excluded
    and what a value came to are those of today. The same data make the same document. Without
    `diff` the words of the prompts are left out, without `units` the keys of the units.

    Raises:
        InvalidStateError: the experiment has not started, or had not then.
        NotFoundError, ConflictError: no experiment, or several, are meant.
    """
    experiment = find_in(workspace.store, selector)
    log = None
    if as_of is not None:
        moment = as_of
        workspace = replace(workspace, clock=lambda: moment)
        experiment = _as_it_was(workspace, experiment)
        log = workspace.store.trials(experiment)
        log = replace(log, trials=tuple(_as_known(log.trials, moment)))
    studied = study(workspace, experiment, explore=True, log=log)
    return document(workspace, studied, as_of=as_of, diff=diff, units=units)


def _as_it_was(workspace: Workspace, experiment: Experiment) -> Experiment:
    """Return an experiment without what happened after the workspace's moment."""
    moment, name = workspace.clock(), experiment.experiment_id
    if experiment.started is not None and experiment.started > moment:
        raise InvalidStateError(
            f"{name} had not started at {to_text(moment)}.",
            hint=f"It began at {to_text(experiment.started)}: meta-experiment report {name}",
        )
    outcomes = tuple(it for it in experiment.outcomes if it.at <= moment)
    history = _history(workspace, experiment)
    stages = [(it.at, it.after) for it in history if it.after in set(Status)]
    told, stage = stages[-1] if stages else (moment, experiment.status)
    status = Status(stage)
    # the history is written a moment after what it tells of
    if status is Status.DRAFT:
        status = Status.RUNNING
    if outcomes and told < outcomes[-1].at:
        status = AFTER[outcomes[-1].action]
    ended = experiment.ended
    if ended is None or ended > moment:
        ended = outcomes[-1].at if outcomes else None
    return replace(
        experiment,
        status=status,
        ended=None if status.is_open else ended,
        outcomes=outcomes,
        amendments=tuple(it for it in experiment.amendments if it.at <= moment),
        ended_arms=tuple(
            it for it in experiment.ended_arms if it.at is None or it.at <= moment
        ),
    )


def _as_known(trials: Sequence[Trial], moment: float) -> Iterator[Trial]:
    """Yield trials as they were at a moment; what has no time has always been there."""
    timeless = [item for item in trials if item.assigned_at is None]
    for trial in (*timeless, *within(trials, moment)):
        closed = trial.closed_at is None or trial.closed_at <= moment
        yield trial if closed else replace(trial, status=None, metrics={}, closed_at=None)


def _unranked(analysis: Analysis) -> Iterator[Comparison]:
    """Yield what is compared without a relative effect, as where the control is zero."""
    compared = analysis.primary.comparisons
    yield from (item for item in compared if item.estimate.absolute is not None)


def document(
    workspace: Workspace, studied: Study, *, as_of: float | None, diff: bool, units: bool
) -> ReportDocument:
    """Tell all that is known of an experiment that was studied (see `report`)."""
    experiment, analysis = studied.examination.experiment, studied.examination.analysis
    basis = studied.basis
    plan, samples = basis.plan, basis.samples
    best = leading(analysis) or next(iter(_unranked(analysis)), None)
    treatment = best.treatment if best else None
    found = tuple(results(basis, analysis))
    ended = tuple(endings(basis, analysis, found))
    sums = studied.collected.sums if studied.collected else None
    metrics = spent_metrics(plan.metrics, studied.trials)
    return ReportDocument(
        schema=SCHEMA,
        experiment_id=experiment.experiment_id,
        as_of=analysis.as_of,
        status=experiment.status,
        created=experiment.created,
        started=experiment.started,
        ended=experiment.ended,
        unit=plan.unit,
        standing=_standing(workspace, experiment, analysis, as_of),
        verdict=_verdict(studied, treatment),
        ahead=_ahead(plan, analysis),
        gates=tuple(
            gates(
                plan,
                basis.rule,
                analysis,
                found,
                treatment,
                ended,
                over=not experiment.status.is_open,
            )
        ),
        readiness=analysis.readiness,
        arms=tuple(_arms(experiment, analysis)),
        endings=ended,
        alerts=analysis.alerts,
        results=found,
        series=studied.series,
        pairs=case_pairs(plan, samples),
        units=unit_list(plan, samples) if units else None,
        checks=analysis.checks,
        health=tuple(health(analysis.checks)),
        flow=flow(plan, samples, analysis.samples),
        arrivals=day_arrivals(sums, [*samples.arms]) if sums else arrivals(samples.arms),
        versions=versions(samples.arms),
        strata=strata(basis, analysis.checks.fingerprint),
        prompts=prompt_changes(workspace.store, experiment, diff=diff),
        cost=cost(basis, metrics, treatment),
        impact=impact(basis, metrics, treatment, days_of_use(experiment, analysis)),
        plan=experiment.plan,
        amendments=tuple(
            replace(it, why=without_folders(it.why)) for it in experiment.amendments
        ),
        events=_events(workspace, experiment),
        outcomes=tuple(map(_shared, experiment.outcomes)),
        moved=changed_since(experiment, analysis),
        # a report shows no p-value of one look where evidence at every look decides
        notes=tuple(it for it in analysis.notes if it != basis.rule.words.one_look),
        provenance=_provenance(studied, as_of),
    )


def _verdict(studied: Study, treatment: str | None) -> ReportVerdict:
    analysis, basis = studied.examination.analysis, studied.basis
    plan, rule = basis.plan, basis.rule
    return ReportVerdict(
        decision=analysis.decision,
        reason_code=analysis.reason_code,
        reason=analysis.reason,
        winner=analysis.winner,
        leading=treatment,
        next_action=next_action(studied.examination.experiment, analysis),
        bar=rule.bar(plan.alpha, 1),
        bar_worse=rule.bar(plan.alpha, 1 / shares_of(plan, rule).look),
        any_look=rule.extendable,
        by_e_values=rule.by_e_values,
    )


def _standing(
    workspace: Workspace, experiment: Experiment, analysis: Analysis, as_of: float | None
) -> ReportStanding:
    watching = [
        item if as_of is None else _as_it_was(workspace, item)
        for item in workspace.store.experiments()
        if item.plan.holdout is not None
        and item.plan.holdout.of == experiment.experiment_id
        and (as_of is None or (item.started or item.created) <= as_of)
    ]
    found = standing_of(experiment, analysis, tuple(map(_watch, watching)))
    return replace(found, reason=found.reason and without_folders(found.reason))


def _watch(holdout: Experiment) -> WatchFinding:
    found = WatchFinding(holdout.experiment_id, holdout.status, None, None, None)
    done = None if holdout.status.is_open else holdout.outcome
    if done is None:
        return found
    reason = without_folders(done.reason)
    return replace(found, decision=done.decision, reason_code=done.reason_code, reason=reason)


def _ahead(plan: Plan, analysis: Analysis) -> ReportAhead:
    ahead = progress(plan, analysis)
    return ReportAhead(
        fraction=ahead.fraction,
        units_to_go=ahead.units_to_go,
        days_to_go=ahead.days_to_go,
        in_time=ahead.in_time,
        obstacles=tuple(dict.fromkeys((*analysis.obstacles, *ahead.held_by))),
        sentence=surer(plan, analysis, ahead),
    )


def _arms(experiment: Experiment, analysis: Analysis) -> Iterator[ReportArm]:
    ended = {item.treatment: item.reason for item in analysis.ended}
    for arm in experiment.plan.as_compared.variants:
        yield ReportArm(arm.name, arm.weight, arm.comparator, ended.get(arm.name))


def _shared(outcome: Outcome) -> Outcome:
    override = outcome.override and without_folders(outcome.override)
    return replace(outcome, reason=without_folders(outcome.reason), override=override)


def _events(workspace: Workspace, experiment: Experiment) -> tuple[ReportEvent, ...]:
    return tuple(
        ReportEvent(item.at, item.verb, item.before, item.after, without_folders(item.reason))
        for item in _history(workspace, experiment)[-_MOST_EVENTS:]
    )


def _history(workspace: Workspace, experiment: Experiment) -> list[HistoryEntry]:
    """Return what happened until the workspace's moment, to the millisecond as others tell."""
    until = workspace.clock() + 0.001
    entries = workspace.store.history(experiment.experiment_id).entries
    return [item for item in entries if item.at < until]


def _provenance(studied: Study, as_of: float | None) -> Provenance:
    experiment, log = studied.examination.experiment, studied.log
    name = experiment.experiment_id
    commits = [item.commit for item in reversed(experiment.outcomes) if item.commit]
    moment = to_text(studied.examination.analysis.as_of if as_of is None else as_of)
    return Provenance(
        program=__version__,
        python=".".join(map(str, sys.version_info[:3])),
        plan_sha256=experiment.plan_sha256,
        data_sha256=(
            studied.collected.digest if studied.collected else data_digest(studied.trials)
        ),
        trials=len(studied.trials),
        set_aside=log.set_aside_count,
        conflicts=log.conflict_count,
        apart=len(log.apart),
        commit=next(iter(commits), None),
        seed=experiment.plan.seed,
        commands=(
            f"meta-experiment report {name} --as-of {moment} --html {name}.html",
            f"meta-experiment report {name} --as-of {moment} --json",
            f"meta-experiment analyze {name}",
            f"meta-experiment trials {name}",
        ),
    )
