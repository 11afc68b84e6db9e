"""View of a holdout: how it stands, and how it stood after 30, 60 and 90 days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from meta_experiment.decide import analyze
from meta_experiment.decide.holdout import within
from meta_experiment.model.instants import DAY
from meta_experiment.services.acting.analysing import examine
from meta_experiment.services.acting.holdout_files import waits_for
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Analysis, Experiment, Interval, Status, Trial
from meta_experiment.types.results.holdout import HoldoutAnswer, HoldoutView

_VIEWS = (30, 60, 90)  # days


def described_holdout(experiment: Experiment, *, stored: bool = True) -> HoldoutAnswer:
    """Describe a holdout by what was fixed at its launch; `stored` is one that there is."""
    plan, launched = experiment.plan, experiment.started
    if plan.holdout is None:
        raise AssertionError(f"{experiment.experiment_id} is no holdout")
    return HoldoutAnswer(
        experiment_id=experiment.experiment_id if stored else None,
        of=plan.holdout.of,
        status=experiment.status if stored else None,
        share=kept_share(experiment),
        unit=plan.unit,
        launched=launched,
        last_day=None if launched is None else launched + plan.max_duration_days * DAY,
        decayed_below=plan.holdout.decayed_below,
        auto=plan.auto,
        decision=None,
        reason_code=None,
        sentence="",
    )


def kept_share(experiment: Experiment) -> float:
    """Return the share that keeps the text before the promotion."""
    promoted, previous = (item.weight for item in experiment.plan.variants)
    return previous / (promoted + previous)


def holdout_view(workspace: Workspace, experiment: Experiment) -> HoldoutAnswer:
    """Say how a holdout stands, or what it came to; nothing is changed by looking."""
    known = described_holdout(experiment)
    if experiment.started is None:
        outcome = experiment.outcome
        said = f"it ended before it began: {outcome.reason}" if outcome else "it never began"
        return replace(known, sentence=said)
    log = workspace.store.trials(experiment)
    analysis = examine(workspace, experiment, log=log).analysis
    effect, interval = _effect(analysis)
    outcome = None if experiment.status.is_open else experiment.outcome
    decided = outcome or analysis
    now = workspace.clock()
    return replace(
        known,
        decision=decided.decision,
        reason_code=decided.reason_code,
        sentence=decided.reason,
        standing=analysis.holdout,
        effect=effect,
        interval=interval,
        views=tuple(_views(experiment, log.trials, experiment.started, now)),
        notes=tuple(_notes(workspace, experiment, experiment.started)),
    )


def _views(
    experiment: Experiment, trials: Sequence[Trial], launched: float, now: float
) -> Iterator[HoldoutView]:
    """Show it as it was after each of the checkpoints that are over: views, and no looks."""
    last = experiment.ended if experiment.ended is not None else now
    for days in _VIEWS:
        end = launched + days * DAY
        if end > min(last, now):
            return
        analysis = analyze(
            experiment.plan,
            within(trials, end),
            experiment_id=experiment.experiment_id,
            as_of=end,
            started=launched,
        )
        if analysis.holdout is not None:
            effect, interval = _effect(analysis)
            name = f"{experiment.experiment_id}-{days}d"
            yield HoldoutView(name, days, analysis.holdout, effect, interval)


def _effect(analysis: Analysis) -> tuple[float | None, Interval | None]:
    (comparison,) = analysis.primary.comparisons
    found = comparison.sequential
    return comparison.estimate.relative, found.interval if found else None


def _notes(workspace: Workspace, experiment: Experiment, launched: float) -> Iterator[str]:
    if workspace.clock() < launched:
        yield (
            "The clock of this machine stands before the launch. What counts is told by the "
            "holdout's own log and not by the clock; the last day and the views are not."
        )
    if experiment.status is Status.PAUSED:
        yield f"It is paused: meta-experiment resume {experiment.experiment_id}"
    if experiment.status.is_open and (waits := waits_for(workspace, experiment)):
        yield f"It waits: {waits}"
