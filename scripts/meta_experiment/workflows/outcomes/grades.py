"""Grades of a run: what its graders measured, and what was answered of it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from meta_experiment.types import Direction
from meta_experiment.workflows.outcomes.documents import Document, listed, number, words

GRADER, EVAL = "grader.", "eval."
_ANSWERS = {"YES": 1.0, "NO": 0.0}
_UNKNOWN = "UNKNOWN"
_MEASURED = ("pass", "passed", "fail", "failed", "ok", "success")
_DIRECTIONS = {
    "min": Direction.LOWER,
    "lower": Direction.LOWER,
    "lower_is_better": Direction.LOWER,
    "max": Direction.HIGHER,
    "higher": Direction.HIGHER,
    "higher_is_better": Direction.HIGHER,
}
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST = 64


def metric_name(prefix: str, identifier: str) -> str:
    """Return the name of a metric by the identifier of its grader or question."""
    return (prefix + _NOT_IN_NAMES.sub("_", identifier))[:_LONGEST]


def grades(document: Document, left_out: list[str]) -> dict[str, float]:
    """Read what graders measured; one that fails its own threshold has measured as well."""
    found: dict[str, float] = {}
    for item in listed(document.get("results")):
        identifier = words(item.get("id"))
        if identifier is None:
            continue
        name = metric_name(GRADER, identifier)
        status = words(item.get("status"))
        raw = item["value"] if item.get("value") is not None else item.get("score")
        if status is not None and status.lower() not in _MEASURED:
            left_out.append(f"grader {identifier} says {status}")
        elif isinstance(raw, list):
            values = [(words(one.get("id")), number(one.get("value"))) for one in listed(raw)]
            for key, value in values:
                if key is not None and value is not None:
                    found[metric_name(f"{name}.", key)] = value
            if values and values[0][1] is not None:
                found[name] = values[0][1]
        elif isinstance(raw, bool):
            found[name] = float(raw)
        elif (value := number(raw)) is not None:
            found[name] = value
        else:
            left_out.append(f"grader {identifier} has no number")
    return found


def directions(document: Document) -> dict[str, Direction]:
    """Return which way is better by grader, as far as they declare it."""
    told = {
        words(item.get("id")): str(item.get("direction") or "").lower()
        for item in listed(document.get("graders"))
    }
    return {
        name: _DIRECTIONS[word] for name, word in told.items() if name and word in _DIRECTIONS
    }


def answers(
    lines: Iterable[Document], run_id: str | None, left_out: list[str]
) -> dict[str, float]:
    """Read what was answered of a run, the last answer of each question; unknown is missing."""
    found: dict[str, float | None] = {}
    for item in lines:
        identifier, said = words(item.get("id")), words(item.get("answer"))
        told = words(item.get("runid")) or words(item.get("run_id"))
        if identifier is None or (told is not None and run_id is not None and told != run_id):
            continue
        found[identifier] = _ANSWERS.get((said or _UNKNOWN).upper())
    left_out += [
        f"question {name} was not answered by yes or no"
        for name, value in found.items()
        if value is None
    ]
    return {
        metric_name(EVAL, name): value for name, value in found.items() if value is not None
    }
