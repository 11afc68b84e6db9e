"""An experiment as a document: as it stands in the registry, and parts of it in answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from meta_experiment.errors import UsageError, as_word, cite
from meta_experiment.model import fields, instants
from meta_experiment.model.ended_arms import (
    ENDED_ARM_FIELDS,
    ended_arm_from_document,
    ended_arm_to_document,
)
from meta_experiment.model.impact_document import (
    IMPACT_FIELDS,
    impact_from_document,
    impact_to_document,
)
from meta_experiment.model.known_fields import Entries, Fields, words
from meta_experiment.model.plan_document import (
    PLAN_FIELDS,
    plan_from_document,
    plan_to_document,
)
from meta_experiment.types import (
    Action,
    Amendment,
    Decision,
    Experiment,
    FileReplacement,
    FileVersion,
    Outcome,
    ReasonCode,
    Status,
    Trial,
    TrialStatus,
)

_MODE = re.compile(r"0?[0-7]{3}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILE = Fields({"sha256", "mode"})
_AUTO = "auto"  # who did it, where no person asked for it
_OUTCOME = Fields(
    {
        "action", "at", "decision", "reason_code", "reason", "winner", "override",
        "improvement", "e_value", "trials", "commit", "change_id", "files", "impact",
        "by",
    },
    {
        "action": words(Action),
        "decision": words(Decision),
        "reason_code": words(ReasonCode),
        "files": Entries(Fields({"before", "after"}, {"before": _FILE, "after": _FILE})),
        "impact": IMPACT_FIELDS,
    },
)  # fmt: skip
EXPERIMENT_FIELDS = Fields(
    {
        "id", "name", "status", "created", "started", "ended", "plan", "plan_sha256", "files",
        "amendments", "outcomes", "inline_trials", "ended_arms",
    },
    {
        "status": words(Status),
        "plan": PLAN_FIELDS,
        "files": Entries(Entries(_FILE)),
        "amendments": [Fields({"at", "key", "before", "after", "why", "trials_before"})],
        "outcomes": [_OUTCOME],
        "ended_arms": [ENDED_ARM_FIELDS],
        "inline_trials": [
            Fields(
                {"trial_id", "variant", "status", "metrics"}, {"status": words(TrialStatus)}
            )
        ],
    },
)  # fmt: skip


def experiment_to_document(experiment: Experiment) -> dict[str, Any]:
    """Write one experiment as it stands in the registry."""
    document: dict[str, Any] = {
        "id": experiment.experiment_id,
        "name": experiment.plan.name,
        "status": experiment.status.value,
        "created": instants.to_text(experiment.created),
        "started": _instant(experiment.started),
        "ended": _instant(experiment.ended),
        "plan": plan_to_document(experiment.plan),
        "plan_sha256": experiment.plan_sha256,
        "files": {
            path: {variant: _version_to_document(item) for variant, item in arms.items()}
            for path, arms in experiment.versions.items()
        },
        "amendments": [amendment_to_document(item) for item in experiment.amendments],
        "outcomes": [outcome_to_document(item) for item in experiment.outcomes],
    }
    if experiment.inline_trials:
        document["inline_trials"] = [
            {
                "trial_id": item.trial_id,
                "variant": item.variant,
                "status": (item.status or TrialStatus.OK).value,
                "metrics": dict(item.metrics),
            }
            for item in experiment.inline_trials
        ]
    if experiment.ended_arms:
        document["ended_arms"] = [*map(ended_arm_to_document, experiment.ended_arms)]
    return document


def experiment_from_document(value: object, where: str) -> Experiment:
    """Read one experiment; errors name the place `where` it stands."""
    entry = fields.mapping(value, where)
    files = fields.mapping(entry.get("files"), f"{where}.files")
    return Experiment(
        experiment_id=fields.text(entry, "id", where),
        plan=_within(where, lambda: plan_from_document(entry.get("plan"))),
        plan_sha256=fields.text(entry, "plan_sha256", where),
        status=fields.word(entry, "status", where, Status, Status.DRAFT),
        created=instants.from_text(fields.text(entry, "created", where)),
        started=_optional_instant(entry, "started", where),
        ended=_optional_instant(entry, "ended", where),
        versions={
            path: {
                variant: _version(item, f"{where}.files.{as_word(path)}.{as_word(variant)}")
                for variant, item in fields.mapping(
                    arms, f"{where}.files.{as_word(path)}"
                ).items()
            }
            for path, arms in files.items()
        },
        amendments=tuple(
            _amendment(item, f"{where}.amendments[{index}]")
            for index, item in enumerate(fields.sequence(entry.get("amendments"), where))
        ),
        outcomes=tuple(
            outcome_from_document(item, f"{where}.outcomes[{index}]")
            for index, item in enumerate(fields.sequence(entry.get("outcomes"), where))
        ),
        inline_trials=tuple(
            _inline_trial(item, index, f"{where}.inline_trials[{index}]")
            for index, item in enumerate(fields.sequence(entry.get("inline_trials"), where))
        ),
        ended_arms=tuple(
            ended_arm_from_document(item, f"{where}.ended_arms[{index}]")
            for index, item in enumerate(fields.sequence(entry.get("ended_arms"), where))
        ),
    )


def _version(value: object, where: str) -> FileVersion | None:
    if value is None:
        return None
    item = fields.mapping(value, where)
    mode = fields.text(item, "mode", where)
    if not _MODE.fullmatch(mode):
        # set-user-id and the like are no business of a prompt file
        raise UsageError(
            f"{where}.mode: expected an octal mode such as 0644, found {cite(mode)}."
        )
    sha256 = fields.text(item, "sha256", where)
    if not _SHA256.fullmatch(sha256):
        raise UsageError(
            f"{where}.sha256: expected 64 hexadecimal digits, found {cite(sha256, 40)}."
        )
    return FileVersion(sha256, int(mode, 8))


def _version_to_document(version: FileVersion | None) -> dict[str, str] | None:
    if version is None:
        return None
    return {"sha256": version.sha256, "mode": f"{version.mode:04o}"}


def _replaced(value: object, where: str) -> FileReplacement:
    pair = fields.mapping(value, where)
    before, after = (_version(pair.get(key), f"{where}.{key}") for key in ("before", "after"))
    return FileReplacement(before, after)


def _amendment(value: object, where: str) -> Amendment:
    item = fields.mapping(value, where)
    return Amendment(
        at=instants.from_text(fields.text(item, "at", where)),
        key=fields.text(item, "key", where),
        before=item.get("before"),
        after=item.get("after"),
        why=fields.text(item, "why", where),
        trials_before=fields.whole(item, "trials_before", where, 0),
    )


def amendment_to_document(item: Amendment) -> dict[str, Any]:
    """Write one change of a plan as it stands in the registry."""
    from meta_experiment.model.secrets import redacted, redacted_value

    return {
        "at": instants.to_text(item.at),
        "key": item.key,
        "before": redacted_value(item.before),
        "after": redacted_value(item.after),
        "why": redacted(item.why),
        "trials_before": item.trials_before,
    }


def outcome_from_document(value: object, where: str = "outcome") -> Outcome:
    """Read what was done."""
    item = fields.mapping(value, where)
    return Outcome(
        action=fields.word(item, "action", where, Action, Action.ROLLBACK),
        at=instants.from_text(fields.text(item, "at", where)),
        decision=fields.optional_word(item, "decision", where, Decision),
        reason_code=fields.optional_word(item, "reason_code", where, ReasonCode),
        reason=fields.text(item, "reason", where),
        winner=_optional_text(item, "winner", where),
        override=_optional_text(item, "override", where),
        improvement=_optional_number(item, "improvement", where),
        e_value=_optional_number(item, "e_value", where),
        trials=fields.whole(item, "trials", where, 0),
        commit=_optional_text(item, "commit", where),
        change_id=_optional_text(item, "change_id", where),
        files={
            path: _replaced(pair, f"{where}.files.{as_word(path)}")
            for path, pair in fields.mapping(item.get("files") or {}, f"{where}.files").items()
        },
        impact=impact_from_document(item.get("impact"), f"{where}.impact"),
        by_auto=item.get("by") == _AUTO,
    )


def outcome_to_document(item: Outcome) -> dict[str, Any]:
    """Write what was done; reading it again gives an equal outcome."""
    from meta_experiment.model.secrets import redacted

    document: dict[str, Any] = {
        "action": item.action.value,
        "at": instants.to_text(item.at),
        "decision": item.decision,
        "reason_code": item.reason_code,
        "reason": redacted(item.reason),
        "winner": item.winner,
        "override": item.override and redacted(item.override),
        "improvement": item.improvement,
        "e_value": item.e_value,
        "trials": item.trials,
        "commit": item.commit,
        "change_id": item.change_id,
        "files": {
            path: {
                "before": _version_to_document(pair.before),
                "after": _version_to_document(pair.after),
            }
            for path, pair in item.files.items()
        },
    }
    if item.impact is not None:
        document["impact"] = impact_to_document(item.impact)
    if item.by_auto:
        document["by"] = _AUTO
    return document


def _inline_trial(value: object, index: int, where: str) -> Trial:
    item = fields.mapping(value, where)
    metrics = fields.mapping(item.get("metrics"), f"{where}.metrics")
    trial_id = fields.text(item, "trial_id", where)
    return Trial(
        trial_id=trial_id,
        variant=fields.text(item, "variant", where),
        unit=trial_id,
        order=index,
        status=fields.word(item, "status", where, TrialStatus, TrialStatus.OK),
        metrics={name: fields.number(metrics, name, f"{where}.metrics") for name in metrics},
    )


def _within(where: str, read: Callable[[], Any]) -> Any:  # noqa: ANN401
    try:
        return read()
    except UsageError as error:
        raise UsageError(f"{where}: {error.message}", hint=error.hint) from error


def _instant(value: float | None) -> str | None:
    return None if value is None else instants.to_text(value)


def _optional_text(document: fields.Document, key: str, where: str) -> str | None:
    return None if document.get(key) is None else fields.text(document, key, where)


def _optional_number(document: fields.Document, key: str, where: str) -> float | None:
    return None if document.get(key) is None else fields.number(document, key, where)


def _optional_instant(document: fields.Document, key: str, where: str) -> float | None:
    if document.get(key) is None:
        return None
    return instants.from_text(fields.text(document, key, where))
