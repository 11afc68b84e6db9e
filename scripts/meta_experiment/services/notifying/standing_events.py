"""The events of an experiment that are worth telling now."""

from __future__ import annotations

import json

from meta_experiment.assign.uniform import sha256
from meta_experiment.decide.due_actions import DUE
from meta_experiment.types import Analysis, Decision, Experiment
from meta_experiment.types.notification import NotificationEvent
from meta_experiment.types.results.examination import Examination
from meta_experiment.workflows.workflow_names import workflow_of

_DECISIONS = {
    Decision.PROMOTE: NotificationEvent.PROMOTE,
    Decision.REJECT: NotificationEvent.REJECT,
    Decision.INCONCLUSIVE: NotificationEvent.INCONCLUSIVE,
}


def standing_events(examined: Examination) -> tuple[NotificationEvent, ...]:
    """Return what is to be told of an experiment: how it was decided, else its minimum.

    Who hears of a decision knows that enough was seen for one. An experiment that has ended was
    decided when it ended; what a person did without evidence, such as a stop by hand, is no
    decision.
    """
    decision = decided(examined.experiment, examined.analysis)
    told = _DECISIONS.get(decision) if decision else None
    if told is not None:
        return (told,)
    return (NotificationEvent.MINIMUM,) if examined.analysis.readiness.ready else ()


def decided(experiment: Experiment, analysis: Analysis) -> Decision | None:
    """Return the decision that stands; None where an experiment ended without one."""
    if experiment.status.is_open:
        return analysis.decision
    return next(
        (
            item.decision
            for item in experiment.outcomes
            if item.decision and DUE[item.decision] is item.action and not item.override
        ),
        None,
    )


def identity_of(experiment: Experiment, event: NotificationEvent) -> str:
    """Return by which digits an event is known again, wherever it is met.

    An experiment of a workflow is imported anew wherever its runs are looked at: it is known by
    what it compares, which its last tag says.
    """
    generation: list[object] = [experiment.experiment_id, round(experiment.created * 1000)]
    if workflow_of(experiment.plan.tags):
        generation = [experiment.plan.tags[-1]]
    key = json.dumps([*generation, event.value]).encode()
    return str(sha256(key).hexdigest()[:32])
