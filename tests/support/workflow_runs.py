"""Folders of downloads as runs of an agentic workflow leave them, made up for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

START = 1_777_593_600  # 2026-05-01T00:00:00Z


def moment(seconds: float) -> str:
    """Write seconds after the first run as gh-aw does."""
    from datetime import UTC, datetime

    text = datetime.fromtimestamp(START + seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def write_run(
    root: Path,
    number: int,
    variants: Mapping[str, str],
    *,
    at: float | None = None,
    attempt: int = 1,
    outcome: str | None = "success",
    seconds: float | None = 100.0,
    tokens: int | None = 1_000,
    credits_: float | None = 2.5,
    turns: int | None = 4,
    items: int | None = 1,
    graders: Mapping[str, Any] | None = None,
    answers: Mapping[str, str] | None = None,
    ledger: bytes | None = None,
    model: str = "gpt-5.4",
    folder: str | None = None,
) -> Path:
    """Write the `usage` artifact of one run and return the run's folder."""
    place = root / (folder or str(number))
    at = number * 3600 if at is None else at
    own = {"run_id": str(number), "timestamp": moment(at), "assignments": dict(variants)}
    line = json.dumps(own, separators=(",", ":")).encode() + b"\n"
    summary: dict[str, Any] = {
        "schema": "usage-activity-summary/v1",
        "experiments": {"assignments": dict(variants)},
    }
    if turns is not None:
        summary["session"] = {"total_events": 9, "turns": turns, "tool_execution_starts": 7}
    if items is not None:
        summary["safe_outputs"] = {"total_items": items}
    about = {
        "engine_id": "copilot",
        "model": model,
        "run_id": number,
        "run_attempt": str(attempt),
    }
    files: dict[str, Any] = {
        "experiment/state.jsonl": (ledger or b"") + line,
        "experiment/assignments.json": dict(variants),
        "activity/summary.json": summary,
        "aw_info.json": about,
    }
    if outcome is not None:
        files["agent/execution.json"] = {
            "outcome": outcome,
            "exit_code": int(outcome != "success"),
        } | ({} if seconds is None else {"duration_ms": round(seconds * 1000)})
    if tokens is not None:
        files["agent_usage.json"] = {"input_tokens": tokens - 100, "output_tokens": 100} | (
            {} if credits_ is None else {"ai_credits": credits_}
        )
    if graders:
        files["graders/grader_results.json"] = {
            "results": [{"id": name, "value": value} for name, value in graders.items()]
        }
    if answers:
        files["evals.jsonl"] = b"".join(
            json.dumps({"id": name, "answer": said, "runid": str(number)}).encode() + b"\n"
            for name, said in answers.items()
        )
    for path, content in files.items():
        target = place / "usage" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        target.write_bytes(data)
    return place
