"""Experiments for trials that were measured elsewhere: made once, with the trials in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from meta_experiment.model.plan_document import plan_sha256
from meta_experiment.services.planning.creating import new_id
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.trial_log import TrialEvent
from meta_experiment.types import Experiment, Plan, Status


def drafted(workspace: Workspace, plan: Plan, begun: float | None) -> tuple[Experiment, bool]:
    """Return the experiment whose plan has the same last tag, or a new one; and if it is new.

    `begun` is when its first trial began, in seconds since the epoch, if that is known.
    """
    now = workspace.clock()
    draft = Experiment(
        experiment_id=new_id(workspace, workspace.store.experiments(), plan.name, now),
        plan=plan,
        plan_sha256=plan_sha256(plan, {}),
        status=Status.PAUSED,
        created=now,
        started=now if begun is None else begun,
        versions={},
    )
    earlier = workspace.store.archived_last(plan.tags[-1])
    same = _same(workspace.store.experiments(), draft) or _same(earlier, draft)
    return (draft, True) if same is None else (same, False)


def registered(
    workspace: Workspace, draft: Experiment, events: Sequence[TrialEvent]
) -> Experiment:
    """Register a new experiment with its trials, or add to the same one of another process.

    The trials come first: a registered experiment without them would be one half done.
    """

    def with_trials(experiments: Sequence[Experiment]) -> Experiment:
        free = new_id(workspace, experiments, draft.plan.name, draft.created)
        made = _same(experiments, draft) or replace(draft, experiment_id=free)
        workspace.store.append(made.experiment_id, events)
        return made

    workspace.checkout.ensure_ignored()
    return workspace.store.add(with_trials)


def _same(experiments: Iterable[Experiment], draft: Experiment) -> Experiment | None:
    tag = draft.plan.tags[-1]
    return next((item for item in experiments if tag in item.plan.tags), None)
