"""Results of `promptfoo eval -o results.json`: prompts, or providers, on the same tests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from meta_experiment.sources.results.benchmark import Origin, instant
from meta_experiment.sources.results.harness_runs import GRADES, HarnessRuns, part, words
from meta_experiment.sources.results.imported import NOT_GRADED, ImportedTrials

KIND = "promptfoo"
_ERROR = 2  # of `failureReason`: 1 is a test that was not passed
_LONGEST = 60  # of a name
_OF_ONE_RUN = ("sessionId",)  # a variable that every run gets anew

Row = Mapping[str, Any]


def recognised(document: Mapping[str, Any]) -> bool:
    """Say whether a document is such a result."""
    inner = part(document, "results")
    rows = inner.get("results")
    return (
        isinstance(rows, list)
        and {"stats", "version"} <= inner.keys()
        and all(isinstance(row, Mapping) and "testIdx" in row for row in rows)
    )


def parse(origin: Origin, document: Mapping[str, Any]) -> ImportedTrials:
    """Read every row; tests of the same variables are repeats of one case.

    Raises:
        RefusedError: no run counts.
    """
    inner = part(document, "results")
    rows: list[Row] = inner["results"]  # type: ignore[assignment]  # see `recognised`
    found = HarnessRuns(KIND, origin, {})
    arms, cases = _arms(rows, found), _cases(rows)
    for row, arm, case in zip(rows, arms, cases, strict=True):
        why = _why_lost(row)
        if why is not None:
            found.lost(arm, case, why)
        else:
            found.add(arm, case, _record(row, found))
    config = part(document, "config")
    return found.imported(
        words(config.get("description")), instant(words(inner.get("timestamp")))
    )


def _arms(rows: Sequence[Row], found: HarnessRuns) -> list[str]:
    """Return the arm of every row: what differs between them, prompts, providers or both."""
    prompts = [_prompt(row) for row in rows]
    providers = [_provider(row) for row in rows]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(prompts), start=1)}
    shown = {name: name if _is_short(name) else f"prompt {n}" for name, n in numbers.items()}
    if len(set(providers)) < 2:
        return [shown[name] for name in prompts]
    found.ledger.note("Providers differ, so that each is an arm of its own.")
    if len(numbers) < 2:
        return providers
    pairs = zip(prompts, providers, strict=True)
    return [f"{shown[prompt]} on {provider}" for prompt, provider in pairs]


def _prompt(row: Row) -> str:
    prompt = part(row, "prompt")
    return words(prompt.get("label")) or words(prompt.get("raw")) or "prompt"


def _provider(row: Row) -> str:
    provider = row.get("provider")
    known = part(row, "provider")
    return words(known.get("label")) or words(known.get("id")) or words(provider) or "provider"


def _cases(rows: Sequence[Row]) -> list[str]:
    """Return the case of every row, called by what is tried, which other files call alike."""
    keys = [(_description(row), _variables(row)) for row in rows]
    described: dict[str, set[str]] = {}
    for description, variables in keys:
        described.setdefault(description, set()).add(variables)
    return [
        description
        if description and len(described[description]) == 1
        else _named(" ".join(filter(None, key))) or f"test {row['testIdx']}"
        for row, key in zip(rows, keys, strict=True)
        for description in (key[0],)
    ]


def _description(row: Row) -> str:
    told = words(part(row, "testCase").get("description")) or words(row.get("description"))
    return told if told and _is_short(told) else ""


def _variables(row: Row) -> str:
    known = part(row, "vars") or part(part(row, "testCase"), "vars")
    kept = {
        key: value
        for key, value in known.items()
        if not key.startswith("_") and key not in _OF_ONE_RUN
    }
    return json.dumps(kept, sort_keys=True, ensure_ascii=False) if kept else ""


def _named(text: str) -> str:
    if _is_short(text):
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{text[:_LONGEST].splitlines()[0]}… {digest[:8]}"


def _is_short(text: str) -> bool:
    return len(text) <= _LONGEST and "\n" not in text


def _why_lost(row: Row) -> str | None:
    """Say why a row is no answer of its prompt: an error, which promptfoo scores 0."""
    reason, error = row.get("failureReason"), words(row.get("error"))
    ungraded = not isinstance(row.get("gradingResult"), Mapping)
    if reason == _ERROR or (reason is None and error and ungraded):
        return f"ended by an error, not by its prompt ({_kind_of(error or '')})"
    return None


def _kind_of(error: str) -> str:
    """Return what sort of error it was, so that a handful of reasons is left."""
    low = error.lower()
    for kind, signs in (
        ("rate limit", ("rate limit", "429", "too many requests", "overloaded", "529")),
        ("time-out", ("timed out", "timeout")),
    ):
        if any(sign in low for sign in signs):
            return kind
    return "other"


def _record(row: Row, found: HarnessRuns) -> dict[str, object]:
    """Return the metrics of a row; an answer from a cache took neither time nor money."""
    record: dict[str, object] = {name: row.get(name) for name in GRADES}
    if _grader_failed(row.get("gradingResult")):
        for name in GRADES:
            del record[name]
        found.ledger.exclude(NOT_GRADED)
    response, usage = part(row, "response"), part(row, "tokenUsage")
    usage = usage or part(response, "tokenUsage")
    if response.get("cached") is True:
        found.ledger.exclude("answered from a cache, so that time and price are none")
        return record
    record["latency_ms"] = row.get("latencyMs")
    record["total_tokens"] = usage.get("total")
    record["input_tokens"] = usage.get("prompt")
    record["output_tokens"] = usage.get("completion")
    if row.get("cost"):  # 0 stands for a price that is not known
        record["cost_usd"] = row["cost"]
    return record


def _grader_failed(grading: object) -> bool:
    if part(grading, "metadata").get("graderError") is True:
        return True
    parts = grading.get("componentResults") if isinstance(grading, Mapping) else None
    return any(map(_grader_failed, parts)) if isinstance(parts, list) else False
