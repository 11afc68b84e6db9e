"""The older template of experiments.json, with trials inline, read as it stands.

It has one entry per experiment with `changes`, `metrics`, `targets` and `results`, where
`control_group` and `treatment_group` hold the values of the primary metric, as bare numbers
or as objects. Reading never rewrites it; the first change of state writes the present form.
"""

from __future__ import annotations

import json
import re
from typing import Any

from meta_experiment.assign.uniform import sha256
from meta_experiment.errors import UsageError, cite
from meta_experiment.model import fields
from meta_experiment.model.fields import Document
from meta_experiment.model.metrics import KNOWN_METRICS, describe
from meta_experiment.model.plan_document import plan_to_document
from meta_experiment.types import (
    Direction,
    Metric,
    Plan,
    Status,
    Unit,
    Variant,
)

_STATUS = {
    "running": Status.RUNNING,
    "active": Status.RUNNING,
    "collecting_data": Status.RUNNING,
    "draft": Status.DRAFT,
    "paused": Status.PAUSED,
    "promoted": Status.PROMOTED,
    "rolled_back": Status.ROLLED_BACK,
    "failed": Status.ROLLED_BACK,
    "expired": Status.EXPIRED,
    "completed": Status.ARCHIVED,
    "archived": Status.ARCHIVED,
}
_ARMS = {"control": "control_group", "treatment": "treatment_group"}
# The template's examples measure time; words that say that more is better are few.
_UNUSUAL = re.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST = 64
_HIGHER_WORDS = ("satisfaction", "rate", "score", "quality", "caught", "accuracy", "success")


def recognised(registry: Document) -> bool:
    """Say whether a document is of the older template's form: without versions and plans."""
    entries = registry.get("experiments")
    if "schema_version" in registry or not isinstance(entries, list):
        return False
    return all(
        isinstance(item, dict) and not item.keys() & {"schema_version", "plan"}
        for item in entries
    )


def upgraded(registry: Document) -> Document:
    """Return the same experiments as a registry of form 1.

    Raises:
        UsageError: an entry lacks what an experiment needs, or a value is no number.
    """
    return {
        "schema_version": 1,
        "experiments": [
            _entry(fields.mapping(entry, f"experiments[{index}]"), f"experiments[{index}]")
            for index, entry in enumerate(registry["experiments"])
        ],
    }


def _entry(entry: Document, where: str) -> dict[str, Any]:
    metrics = fields.mapping(entry.get("metrics") or {}, f"{where}.metrics")
    targets = fields.mapping(entry.get("targets") or {}, f"{where}.targets")
    results = fields.mapping(entry.get("results") or {}, f"{where}.results")
    changes = fields.mapping(entry.get("changes") or {}, f"{where}.changes")
    changed = fields.mapping(changes.get("files") or {}, f"{where}.changes.files")
    primary = _metric(fields.text(metrics, "primary", f"{where}.metrics", "duration_seconds"))
    created = fields.text(entry, "created", where)
    status = _status(entry, where)
    plan = Plan(
        name=fields.text(entry, "name", where),
        hypothesis=fields.text(entry, "hypothesis", where, "(none given)"),
        files=tuple(changed),
        variants=(Variant("control"), Variant("treatment")),
        primary=primary,
        secondary=tuple(
            _metric(fields.text({"name": name}, "name", f"{where}.metrics.secondary"))
            for name in fields.sequence(metrics.get("secondary"), where)
        ),
        improvement_threshold=fields.number(targets, "improvement_threshold", where, 15.0)
        / 100,
        max_regression=fields.number(targets, "max_regression", where, 10.0) / 100,
        sample_size=fields.whole(entry, "sample_size_required", where, 10, low=2),
        max_duration_days=fields.number(entry, "max_duration_days", where, 14.0),
        unit=Unit.INVOCATION,
        auto=bool(entry.get("auto_promote")) and bool(entry.get("auto_rollback")),
    )
    digest = sha256(json.dumps(dict(entry), sort_keys=True).encode()).hexdigest()
    return {
        "id": fields.text(entry, "id", where),
        "name": plan.name,
        "status": status.value,
        "created": created,
        "started": created if status is not Status.DRAFT else None,
        "ended": None,
        "plan": plan_to_document(plan),
        "plan_sha256": digest,
        "files": {},
        "amendments": [],
        "outcomes": [],
        "inline_trials": _trials(results, primary, f"{where}.results"),
    }


def _status(entry: Document, where: str) -> Status:
    word = fields.text(entry, "status", where, "running")
    if word not in _STATUS:
        raise UsageError(
            f"{where}.status: {cite(word)} is none of {', '.join(_STATUS)}.",
            hint=fields.suggestion(word, _STATUS),
        )
    return _STATUS[word]


def _metric(measure: str) -> Metric:
    name = _plain(measure)
    if name in KNOWN_METRICS:
        return KNOWN_METRICS[name]
    if name.startswith("time_") or "duration" in name:
        timed = KNOWN_METRICS["duration_seconds"]
        return Metric(name, timed.kind, timed.direction, timed.scale)
    higher = any(word in name for word in _HIGHER_WORDS)
    return describe(name, direction=Direction.HIGHER if higher else Direction.LOWER)


def _plain(name: str) -> str:
    """Return a name that may stand in a plan; the template's were free text."""
    plain = _UNUSUAL.sub("_", name.strip()).strip("_")[:_LONGEST]
    return plain if plain[:1].isalpha() else f"m_{plain}"[:_LONGEST]


def _trials(results: Document, primary: Metric, where: str) -> list[dict[str, Any]]:
    """Write the values of both groups as trials, taking turns.

    The template does not say in which order the arms took turns.
    """
    turns = []
    for arm, (variant, key) in enumerate(_ARMS.items()):
        for index, value in enumerate(fields.sequence(results.get(key), f"{where}.{key}")):
            trial = {
                "trial_id": f"{variant}-{index + 1}",
                "variant": variant,
                "status": "ok",
                "metrics": _metrics(value, primary, f"{where}.{key}[{index}]"),
            }
            turns.append(((index, arm), trial))
    return [trial for _, trial in sorted(turns, key=lambda item: item[0])]


def _metrics(value: Any, primary: Metric, where: str) -> dict[str, float]:  # noqa: ANN401
    if not isinstance(value, dict):
        return {primary.name: fields.number({"value": value}, "value", where)}
    numbers = {
        _plain(name): fields.number(value, name, where)
        for name, item in value.items()
        if isinstance(item, int | float) and not isinstance(item, bool)
    }
    if primary.name not in numbers and "value" in numbers:
        numbers[primary.name] = numbers.pop("value")
    return numbers
