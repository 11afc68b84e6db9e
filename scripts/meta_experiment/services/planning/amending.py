"""Changing a plan on the record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from meta_experiment.decide.rules import rule_of
from meta_experiment.errors import InvalidStateError, RefusedError, UsageError, cite
from meta_experiment.files.interruption import held
from meta_experiment.model import fields
from meta_experiment.model.plan_document import (
    plan_from_document,
    plan_sha256,
    plan_to_document,
)
from meta_experiment.model.secrets import redacted_plan
from meta_experiment.services.find import find_in
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Amendment, Experiment, Status
from meta_experiment.types.results.amendment import AmendmentResult

# flag-like name -> place in the plan document
_PLACES = {
    "name": ("name",),
    "hypothesis": ("hypothesis",),
    "auto": ("auto",),
    "tags": ("tags",),
    "max_duration_days": ("stopping", "max_duration_days"),
    "max_sample": ("stopping", "max_sample"),
    "sample_size": ("stopping", "sample_size"),
    "alpha": ("stopping", "alpha"),
    "stopping": ("stopping", "rule"),
    "claim": ("stopping", "claim"),
    "improvement_threshold": ("targets", "improvement_threshold"),
    "max_regression": ("targets", "max_regression"),
    "equivalence_margin": ("targets", "equivalence_margin"),
    "unit": ("unit",),
    "assignment": ("assignment", "method"),
    "traffic": ("assignment", "traffic"),
    "analysis_type": ("analysis_type",),
    "report": ("report",),
    "seed": ("seed",),
    "guardrails": ("metrics", "guardrails"),
    "primary_metric": ("metrics", "primary"),
}
# What may still change once there are data, without changing what the data mean.
_AFTER_DATA = {
    "name", "hypothesis", "auto", "tags", "max_duration_days", "max_sample", "analysis_type",
}  # fmt: skip
_LISTS = {"tags", "guardrails", "report"}
_HORIZON = {"max_duration_days", "max_sample"}


def amend(
    workspace: Workspace, given: str, settings: Sequence[tuple[str, str]], why: str
) -> AmendmentResult:
    """Change fields of a plan and keep on the record what they were, and why.

    Raises:
        UsageError: no such field, or a value it cannot have. RefusedError: there are trials
            already and the field decides what they mean. InvalidStateError: it has ended.
    """
    if not why.strip():
        raise UsageError("--why needs the reason in words; it stays on the record.")
    now = workspace.clock()
    found = find_in(workspace.store, given)

    def amended(before: Experiment) -> Experiment:
        if before.status in (Status.PROMOTED, Status.ROLLED_BACK, Status.ARCHIVED):
            raise InvalidStateError(
                f"{before.experiment_id} is {before.status.value}; its plan is history now."
            )
        trials = len(workspace.store.trials(before).trials)
        after = before
        for key, text in settings:
            after = _amended(after, key, text, why, trials, now)
        return after

    with held("The plan was amended first."):
        before, after = workspace.store.change(found.experiment_id, amended)
        start = workspace.checkout.start_of(before)
        if start is not None and start.current:
            workspace.checkout.mark_started(after, manual=start.manual)
        for key, text in settings:
            workspace.note(after, "amend", after.status, f"{key} = {text}: {why}")
    made = after.amendments[-len(settings) :]
    return AmendmentResult(after.experiment_id, after.amendments, after.plan_sha256, made)


def _amended(
    experiment: Experiment, key: str, text: str, why: str, trials: int, now: float
) -> Experiment:
    if key not in _PLACES:
        raise UsageError(
            f"There is no field {cite(key)} to amend.",
            hint=fields.suggestion(key, _PLACES) or f"Fields: {', '.join(_PLACES)}.",
        )
    if trials and key not in _AFTER_DATA:
        raise RefusedError(
            f"{experiment.experiment_id} has {trials:,} trials; changing {key} now would "
            "change what they mean after they were seen.",
            hint="End this experiment and create a new one.",
        )
    if trials and key in _HORIZON and not rule_of(experiment.plan).extendable:
        raise RefusedError(
            "A plan with a fixed stopping rule cannot be extended once there are data.",
            hint="Create a new experiment with --stopping sequential, which may be extended.",
        )
    document = plan_to_document(experiment.plan)
    *sections, last = _PLACES[key]
    section: dict[str, Any] = document
    for name in sections:
        section = section[name]
    before, section[last] = section.get(last), _value(key, text)
    plan = plan_from_document(redacted_plan(document))
    return replace(
        experiment,
        plan=plan,
        plan_sha256=plan_sha256(plan, experiment.versions),
        amendments=(
            *experiment.amendments,
            Amendment(now, key, before, section[last], why, trials),
        ),
    )


def _value(key: str, text: str) -> object:
    """Read a value as JSON where it is JSON, else as the text it is; lists with commas."""
    try:
        return json.loads(text)
    except ValueError:
        if key in _LISTS:
            return [part.strip() for part in text.split(",") if part.strip()]
        return text
