"""experiments.json: the registry as a document, in its present form.

Earlier forms are brought to it by `migrations` while they are read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from meta_experiment.errors import (
    CorruptStoreError,
    NewerVersionError,
    UsageError,
    as_word,
    cite,
)
from meta_experiment.model import fields, instants
from meta_experiment.model.ended_arms import (
    ENDED_ARM_FIELDS,
    ended_arm_from_document,
    ended_arm_to_document,
)
from meta_experiment.model.known_fields import Entries, Fields, unknown, words
from meta_experiment.model.migrations import SCHEMA_VERSION, UPDATE, upgraded
from meta_experiment.model.plan_document import (
    PLAN_FIELDS,
    plan_from_document,
    plan_to_document,
)
from meta_experiment.protocol.places import is_id
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
_OUTCOME = Fields(
    {
        "action", "at", "decision", "reason_code", "reason", "winner", "override",
        "improvement", "e_value", "trials", "commit", "change_id", "files",
    },
    {
        "action": words(Action),
        "decision": words(Decision),
        "reason_code": words(ReasonCode),
        "files": Entries(Fields({"before", "after"}, {"before": _FILE, "after": _FILE})),
    },
)  # fmt: skip
_ENTRY = Fields(
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
_REGISTRY = Fields({"$schema", "schema_version", "experiments"}, {"experiments": [_ENTRY]})
SCHEMA_ID = "https://meta-experiment.dev/schemas/experiments/v1"
_HEAD = f'{{\n  "$schema": "{SCHEMA_ID}",\n  "schema_version": {SCHEMA_VERSION},\n'.encode()
_OPENING, _CLOSING = b"\n    {", b"\n    }"  # of an entry, as it is indented


def decode_registry(data: bytes) -> list[Experiment]:
    """Read the registry from its bytes; empty bytes are a damaged file, not an empty registry.

    `strange_entries` are passed over.

    Raises:
        NewerVersionError: of a newer version, or it has a field or a word that is not known.
        CorruptStoreError: not JSON, cut short, or a field is wrong.
    """
    return decode_whole(data)[0]


def decode_whole(data: bytes) -> tuple[list[Experiment], list[Any]]:
    """Read the registry as `decode_registry` does, and its strange entries as they stand."""
    with _corrupt():
        entries = _entries(data)
        experiments = [
            _experiment(entry, f"experiments[{index}]")
            for index, entry in entries
            if not _is_strange(entry)
        ]
    _refuse_duplicates(experiments)
    return experiments, [entry for _, entry in entries if _is_strange(entry)]


def decode_one(data: bytes, experiment_id: str) -> Experiment | None:
    """Read one experiment of a registry that is known to be sound, and nothing else of it.

    None when it is not there, or when the registry is not written as `encode_registry` does.

    Raises:
        NewerVersionError, CorruptStoreError: as `decode_registry`, for this one.
    """
    at = data.find(f'\n      "id": {json.dumps(experiment_id)},\n'.encode())
    start, end = data.rfind(_OPENING, 0, max(at, 0) + 1), data.find(_CLOSING, at)
    if not data.startswith(_HEAD) or min(at, start, end) < 0:
        return None
    try:
        entry = json.loads(data[start : end + len(_CLOSING)])
    except ValueError:
        return None
    if entry.get("id") != experiment_id or _is_strange(entry):
        return None
    with _corrupt():
        _refuse_unknown({}, [entry])
        return _experiment(entry, experiment_id)


def strange_entries(data: bytes) -> dict[int, Any]:
    """Return the entries whose id is none, by their place, as they stand in the registry.

    This tool makes no such id, so they came from elsewhere: a merge, a hand, a stranger, who
    would have a shell or a model read it. They are left alone, and no other entry suffers.

    Raises:
        CorruptStoreError: as `decode_registry`.
    """
    with _corrupt():
        return {index: entry for index, entry in _entries(data) if _is_strange(entry)}


def encode_registry(experiments: Iterable[Experiment], strange: Iterable[Any] = ()) -> bytes:
    """Write the registry, one field a line so that people can read, diff and merge it."""
    document = {
        "$schema": SCHEMA_ID,
        "schema_version": SCHEMA_VERSION,
        "experiments": [*map(experiment_to_document, experiments), *strange],
    }
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def as_stored(experiment: Experiment) -> Experiment:
    """Return an experiment as it is read back: times have milliseconds, secrets are gone.

    Raises:
        UsageError: it could not be read back.
    """
    try:
        (stored,) = decode_registry(encode_registry([experiment]))
    except CorruptStoreError as error:
        raise UsageError(f"The change cannot be stored: {error.message}") from error
    return stored


def _entries(data: bytes) -> list[tuple[int, Any]]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise CorruptStoreError(f"The registry is not valid JSON: {error}.") from error
    _refuse_half_pairs(data, document)
    registry, _ = upgraded(fields.mapping(document, "registry"))
    entries = fields.sequence(registry.get("experiments"), "experiments")
    _refuse_unknown(registry, [None if _is_strange(entry) else entry for entry in entries])
    return list(enumerate(entries))


def _is_strange(entry: object) -> bool:
    name = entry.get("id") if isinstance(entry, dict) else None
    return isinstance(name, str) and not is_id(name)


@contextmanager
def _corrupt() -> Iterator[None]:
    try:
        yield
    except UsageError as error:
        raise CorruptStoreError(
            f"The registry holds something it should not: {error.message}", hint=error.hint
        ) from error


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


def _experiment(value: object, where: str) -> Experiment:
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


def _version(value: object, where: str) -> FileVersion:
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
    before, after = (
        None if pair.get(key) is None else _version(pair[key], f"{where}.{key}")
        for key in ("before", "after")
    )
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
    )


def outcome_to_document(item: Outcome) -> dict[str, Any]:
    """Write what was done; reading it again gives an equal outcome."""
    from meta_experiment.model.secrets import redacted

    return {
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


def _refuse_half_pairs(data: bytes, document: object) -> None:
    """Refuse texts that could be read and never written again."""
    if b"\\ud" not in data.lower():
        return
    if not fields.is_encodable(json.dumps(document, ensure_ascii=False)):
        raise UsageError("a text is half of a surrogate pair.")


def _refuse_unknown(registry: fields.Document, entries: list[Any]) -> None:
    """Refuse what reading would pass over, and the next change would lose."""
    place = unknown({**registry, "experiments": entries}, _REGISTRY)
    if place is not None:
        raise NewerVersionError(
            f"The registry holds {place}, which this version does not know: a newer "
            "meta-experiment wrote it, or somebody edited it by hand.",
            hint=f"{UPDATE}; or undo that edit by hand.",
        )


def _refuse_duplicates(experiments: list[Experiment]) -> None:
    seen: set[str] = set()
    for item in experiments:
        if item.experiment_id in seen:
            raise CorruptStoreError(
                f"The registry holds the experiment {cite(item.experiment_id)} twice, "
                "perhaps after a merge.",
                hint="Keep one of the two entries in .claude/meta/experiments.json.",
            )
        seen.add(item.experiment_id)


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
