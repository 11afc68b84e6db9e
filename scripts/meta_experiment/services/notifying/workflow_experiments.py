"""Experiments of agentic workflows: found by workflow and name, and whom the workflow names."""

from __future__ import annotations

import re

from meta_experiment.errors import NotFoundError, UsageError, cite
from meta_experiment.services.find import find_in
from meta_experiment.services.notifying.sending import target_named
from meta_experiment.services.workflows.workflow_files import read_workflows
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment
from meta_experiment.types.notification import NotificationChannel, NotificationTarget
from meta_experiment.types.workflows import DeclaredExperiment
from meta_experiment.workflows.workflow_names import experiment_tag, workflow_of

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")


def find_told(workspace: Workspace, selector: str) -> Experiment:
    """Return an experiment as `find_in`, or the newest that is called `WORKFLOW/EXPERIMENT`.

    Raises:
        NotFoundError, ConflictError: as `find_in`.
    """
    workflow, slash, name = selector.rpartition("/")
    if not slash:
        return find_in(workspace.store, selector)
    tag = experiment_tag(workflow, name)
    found = [item for item in workspace.store.experiments() if tag in item.plan.tags]
    if not found:
        raise NotFoundError(
            f"No runs of {cite(selector)} were imported.",
            hint="meta-experiment import FOLDER --workflow NAME",
        )
    return max(found, key=lambda item: item.created)


def declared_targets(
    workspace: Workspace, experiment: Experiment, repository: str
) -> tuple[NotificationTarget, ...]:
    """Return the issue and the discussion that a workflow's file names, in a repository.

    The file came with a commit: whoever calls this was told to follow it.

    Raises:
        UsageError: no workflow declares it, or names anybody, or no repository is known.
    """
    if not _REPOSITORY.fullmatch(repository):
        raise UsageError(
            "Which repository is the workflow's? A number alone names no issue.",
            hint="Name it: --repo OWNER/REPO (in Actions it is known).",
        )
    declared = _declared(workspace, experiment)
    named = declared.notify
    issues = {named.issue if named else None, declared.issue} - {None}
    discussions = {named.discussion if named else None} - {None}
    targets = [
        target_named(channel, workspace.machine.environment, f"{repository}#{number}")
        for channel, numbers in (
            (NotificationChannel.ISSUE, issues),
            (NotificationChannel.DISCUSSION, discussions),
        )
        for number in sorted(filter(None, numbers))
    ]
    if not targets:
        raise UsageError(
            f"{workflow_of(experiment.plan.tags)} names neither an issue nor a discussion.",
            hint="Write notify: {issue: N} into its experiment, or name one: --issue "
            "OWNER/REPO#N",
        )
    return tuple(targets)


def _declared(workspace: Workspace, experiment: Experiment) -> DeclaredExperiment:
    wanted = workflow_of(experiment.plan.tags)
    workflow, _, name = wanted.rpartition("/")
    if not wanted:
        raise UsageError(
            f"{experiment.experiment_id} is of no workflow, whose file could name anybody.",
            hint="Name whom to tell: --issue OWNER/REPO#N",
        )
    for file in read_workflows(workspace.root):
        declared = file.specification.experiment(name)
        if declared is not None and file.name == workflow:
            return declared
    raise UsageError(
        f"No workflow declares {wanted} any more.", hint="meta-experiment workflows list"
    )
