"""A run of the client, read from its stream of events and from its transcript.

Usage is that of `modelUsage`, which has every model and every subagent: the `usage` of a result
is that of the last turn alone. A price that the client guessed is none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from meta_experiment.records import dataclass
from meta_experiment.runs.agents import left_files
from meta_experiment.types.runs import Failure, FailureKind

_MOST_ANSWER = 1 << 20  # characters
_LONGEST_INPUT = 1 << 16
_LONGEST_LOOK = 1 << 16  # bytes of a stream that is looked at while it grows
_ASKED_ENOUGH = 5  # times, after some 8 seconds
_LONGEST_LINE = 64 << 20  # bytes
_USAGE = {
    "input_tokens": "inputTokens",
    "output_tokens": "outputTokens",
    "cache_read_tokens": "cacheReadInputTokens",
    "cache_creation_tokens": "cacheCreationInputTokens",
}
_SETUP = frozenset({400, 401, 403, 404})
_AGENT_REASONS = {
    "prompt_too_long": "its prompt grew too long",
    "image_error": "an image was too large",
}
_AGENT_SUBTYPES = {
    "error_max_turns": "it used up its turns",
    "error_max_structured_output_retries": "its answer never fitted the form asked for",
    "error_during_execution": "it failed while it worked",
}
_CAPS = {"error_max_budget_usd": "it used up its budget"}

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ClaudeRun:
    """What a run of the client tells of itself.

    `seconds` is how long it took, None without a transcript's end, `retrying` how much of that
    went into asking the service again. `given` are the texts that were put before the model
    beside what was typed, `asked_for` the models and efforts it was asked with. `is_waiting`
    says that the last request had no answer yet.
    """

    has_result: bool
    answer: str
    failure: Failure | None
    usage: Mapping[str, float]
    tokens: float
    usd: float | None
    seconds: float | None
    retrying: float
    tools: tuple[str, ...]
    tool_inputs: tuple[str, ...]
    tool_errors: int
    given: tuple[str, ...]
    asked_for: Mapping[str, tuple[str, ...]]
    is_waiting: bool
    fingerprint: Mapping[str, str]


def read_run(stdout: Path, config: Path, earlier: frozenset[str] = frozenset()) -> ClaudeRun:
    """Read what a client printed, and the transcript in its configuration folder.

    The lines with the ids of `earlier` were there before it ran.
    """
    events = list(_lines(stdout))
    transcript = [
        line
        for path in sorted(config.rglob("*.jsonl"))
        for line in _lines(path)
        if str(line.get("uuid")) not in earlier
    ]
    results = [event for event in events if event.get("type") == "result"]
    last: Event = results[-1] if results else {}
    costs: Event = next(
        (line for line in reversed(transcript) if line.get("type") == "cost-state"), {}
    )
    models = _object(last.get("modelUsage")) or _object(costs.get("modelUsage"))
    usage = {
        name: sum(_number(_object(item).get(key)) for item in models.values())
        for name, key in _USAGE.items()
    }
    total = sum(usage.values())
    tools = [*_tool_calls(events)]
    return ClaudeRun(
        has_result=bool(results),
        answer=str(last.get("result") or "")[:_MOST_ANSWER],
        failure=_failure(last) if results else None,
        usage=usage | {"total_tokens": total} if models else {},
        tokens=total,
        usd=_price(last, costs, models),
        seconds=_number(costs["totalDuration"]) / 1000 if "totalDuration" in costs else None,
        retrying=_retrying(costs),
        tools=tuple(name for name, _ in tools),
        tool_inputs=tuple(
            json.dumps(given, ensure_ascii=False)[:_LONGEST_INPUT] for _, given in tools
        ),
        tool_errors=_tool_errors(events),
        given=tuple(_given(transcript)),
        asked_for={
            name: tuple(dict.fromkeys(_told(transcript, key)))
            for name, key in (("model", "requestedModel"), ("effort", "effort"))
        },
        is_waiting=_is_waiting(transcript),
        fingerprint=dict(_fingerprint(events, models)),
    )


def in_vain(stdout: Path) -> Failure | None:
    """Say why a client that still runs asks the service in vain, by its last event.

    It waits out an overloaded service, as long as it takes; it would wait as long for a network
    that is not there, and for a login that is refused.
    """
    last: Event = {}
    with suppress(ValueError):
        last = _object(left_files.json_value(left_files.last_line(stdout, _LONGEST_LOOK)))
    if last.get("subtype") != "api_retry" or _number(last.get("attempt")) < _ASKED_ENOUGH:
        return None
    status = last.get("error_status")
    if status in _SETUP:
        return Failure(FailureKind.SETUP, f"the service answers {status}")
    if status is None:
        return Failure(FailureKind.MACHINE, "the service cannot be reached")
    return None


def _failure(result: Event) -> Failure | None:
    """Say whose fault it was that a run has no good answer; None where it has one."""
    subtype, reason = str(result.get("subtype")), str(result.get("terminal_reason"))
    if subtype in _CAPS:
        return Failure(FailureKind.CAP, _CAPS[subtype])
    if not result.get("is_error"):
        return None
    agents = _AGENT_SUBTYPES.get(subtype) or _AGENT_REASONS.get(reason)
    return Failure(FailureKind.AGENT, agents) if agents else _refused(result)


def _refused(result: Event) -> Failure:
    """Say whose fault it was that the service gave no answer."""
    said = " ".join(str(result.get("result") or "").split())[:200]
    status = result.get("api_error_status")
    if "output token maximum" in said:
        return Failure(FailureKind.AGENT, "its answer was longer than the model may say")
    if status in _SETUP or (status is None and "login" in said.lower()):
        return Failure(FailureKind.SETUP, said or f"the service answered {status}")
    return Failure(FailureKind.MACHINE, said or f"the service answered {status}")


def _price(result: Event, costs: Event, models: Event) -> float | None:
    """Return the price; None where the client does not know that of a model."""
    guessed = any(_object(item).get("costBasis") == "unknown" for item in models.values())
    if guessed or costs.get("hasUnknownModelCost"):
        return None
    for source, name in ((result, "total_cost_usd"), (costs, "totalCostUSD")):
        price = left_files.number(source.get(name))
        if price is not None:
            return price
    return None


def _retrying(costs: Event) -> float:
    with_retries = _number(costs.get("totalAPIDuration"))
    without = _number(costs.get("totalAPIDurationWithoutRetries"))
    return max(0.0, with_retries - without) / 1000


def _tool_calls(events: list[Event]) -> Iterator[tuple[str, Event]]:
    seen: set[str] = set()
    for block in _blocks(events, "assistant"):
        name = block.get("id")
        if block.get("type") == "tool_use" and isinstance(name, str) and name not in seen:
            seen.add(name)
            yield str(block.get("name")), _object(block.get("input"))


def _tool_errors(events: list[Event]) -> int:
    return sum(
        block.get("type") == "tool_result" and block.get("is_error") is True
        for block in _blocks(events, "user")
    )


def _blocks(events: list[Event], kind: str) -> Iterator[Event]:
    for event in events:
        if event.get("type") == kind:
            content = _object(event.get("message")).get("content")
            yield from map(_object, content if isinstance(content, list) else ())


def _given(transcript: list[Event]) -> Iterator[str]:
    """Yield what the client itself put before the model: bodies, listings, instructions."""
    for line in transcript:
        if line.get("type") == "user" and line.get("isMeta"):
            yield from _strings(_object(line.get("message")).get("content"))
        elif line.get("type") == "attachment":
            yield from _strings(line.get("attachment"))


def _told(transcript: list[Event], key: str) -> Iterator[str]:
    for line in transcript:
        if line.get("type") == "assistant" and isinstance(line.get(key), str):
            yield line[key]


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _is_waiting(transcript: list[Event]) -> bool:
    """Tell whether the last request to the service was never answered."""
    asked = False
    for line in transcript:
        if line.get("type") == "api-request":
            asked = True
        elif line.get("type") == "assistant":
            asked = False
    return asked


def _fingerprint(events: list[Event], models: Event) -> Iterator[tuple[str, str]]:
    for event in events:
        if event.get("subtype") == "init":
            for key, name in (("model", "model"), ("claude_code_version", "client")):
                if isinstance(event.get(key), str):
                    yield name, event[key]
            return
    if models:
        yield "model", next(iter(models))


def _lines(path: Path) -> Iterator[Event]:
    """Yield the JSON objects of a file; a torn line is left out."""
    for raw in left_files.lines(path, _LONGEST_LINE):
        with suppress(ValueError):
            found = left_files.json_value(raw)
            if isinstance(found, dict):
                yield found


def _object(value: object) -> Event:
    return value if isinstance(value, Mapping) else {}


def _number(value: object) -> float:
    return left_files.number(value) or 0.0
