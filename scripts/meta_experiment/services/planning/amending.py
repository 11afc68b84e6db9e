"""Changing a plan on the record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from meta_experiment.decide.rules import rule_of
from meta_experiment.errors import InvalidStateError, RefusedError, UsageError, cite
from meta_experiment.files.interruption import held
from meta_experiment.model import fields
from meta_experiment.model.plan_checks import check_new_plan
from meta_experiment.model.plan_document import (
    plan_from_document,
    plan_sha256,
    plan_to_document,
)
from meta_experiment.model.plan_settings import PLAN_SETTINGS, PlanSetting
from meta_experiment.model.secrets import redacted_plan
from meta_experiment.services.find import find_in
from meta_experiment.services.planning.dates_ahead import require_ahead
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Amendment, Experiment, Holdout, Status
from meta_experiment.types.results.amendment import AmendmentResult

_ARMS = ("variants", "files")
_DATES = ("start_date", "end_date")
_AMENDABLE = {name: item for name, item in PLAN_SETTINGS.items() if item.amendable}


def amend(
    workspace: Workspace, selector: str, settings: Sequence[tuple[str, str]], why: str
) -> AmendmentResult:
    """Change fields of a plan and keep on the record what they were, and why.

    Raises:
        UsageError: no such field, or a value it cannot have. RefusedError: there are trials
            already and the field decides what they mean. InvalidStateError: it has ended.
    """
    if not why.strip():
        raise UsageError("--why needs the reason in words; it stays on the record.")
    now = workspace.clock()
    found = find_in(workspace.store, selector)

    def amended(before: Experiment) -> Experiment:
        if before.status in (Status.PROMOTED, Status.ROLLED_BACK, Status.ARCHIVED):
            raise InvalidStateError(
                f"{before.experiment_id} is {before.status.value}; its plan is history now."
            )
        if before.plan.holdout is not None:
            _require_of_holdout(before, before.plan.holdout, settings)
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


def _require_of_holdout(
    experiment: Experiment, holdout: Holdout, settings: Sequence[tuple[str, str]]
) -> None:
    """Refuse what would change the question of a holdout, or what its end has answered."""
    name = experiment.experiment_id
    if not experiment.status.is_open:
        raise InvalidStateError(
            f"{name} is a holdout that has ended; its plan is history now.",
            hint=f"Launch another: meta-experiment holdout {holdout.of} --share 20",
        )
    for key, text in settings:
        leave_taken = key == "auto" and _value(PLAN_SETTINGS[key], text) is False
        if not leave_taken and key != "max_duration_days":
            raise RefusedError(
                f"{name} is a holdout: {cite(key)} follows from the promotion and the launch. "
                "max_duration_days may be changed, and auto be set to false.",
                hint=f"End it and launch another: meta-experiment stop {name}, then "
                f"meta-experiment holdout {holdout.of} --help",
            )


def _amended(
    experiment: Experiment, key: str, text: str, why: str, trials: int, now: float
) -> Experiment:
    setting = _AMENDABLE.get(key)
    if key in _ARMS:
        raise UsageError(
            "The arms of an experiment do not change: an arm that is added later has not run "
            "beside the others.",
            hint=f"One can end: meta-experiment stop {experiment.experiment_id} --variant NAME."
            " For another make a new experiment: meta-experiment create --help",
        )
    if setting is None:
        raise UsageError(
            f"There is no field {cite(key)} to amend.",
            hint=fields.suggestion(key, _AMENDABLE) or f"Fields: {', '.join(_AMENDABLE)}.",
        )
    if trials and not setting.after_data:
        raise RefusedError(
            f"{experiment.experiment_id} has {trials:,} trials; changing {key} now would "
            "change what they mean after they were seen.",
            hint="End this experiment and create a new one.",
        )
    if trials and setting.horizon and not rule_of(experiment.plan).extendable:
        raise RefusedError(
            "A plan with a fixed stopping rule cannot be extended once there are data.",
            hint="Create a new experiment with --stopping sequential, which may be extended.",
        )
    document, value = plan_to_document(experiment.plan), _value(setting, text)
    before = setting.put(document, value)
    plan = plan_from_document(redacted_plan(document))
    old = experiment.plan
    if (plan.alpha, plan.metrics, plan.ramp) != (old.alpha, old.metrics, old.ramp):
        check_new_plan(plan)
    require_ahead(plan, now, before=old)
    if key in _DATES:  # on the record as what they mean, beside what they were
        value = plan_to_document(plan).get(key)
    return replace(
        experiment,
        plan=plan,
        plan_sha256=plan_sha256(plan, experiment.versions),
        amendments=(
            *experiment.amendments,
            Amendment(now, key, before, value, why, trials),
        ),
    )


def _value(setting: PlanSetting, text: str) -> object:
    """Read a value as JSON where it is JSON, else as the text it is; lists with commas."""
    try:
        return json.loads(text)
    except ValueError:
        if setting.listed:
            return [part.strip() for part in text.split(",") if part.strip()]
        return text
