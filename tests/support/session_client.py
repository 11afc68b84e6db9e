"""A stand-in for the client that goes on in a session: it answers with what it has heard.

Started as a program. Each prompt is appended to `log.txt`, and to the transcript of the
session; `pause` in the home directory says how many seconds an answer takes.
"""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

COMMAND = Path(".claude/commands/review.md")


def say(transcript: Path, **row: object) -> None:
    """Write a line of the transcript."""
    at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    line = {"timestamp": at, "uuid": str(uuid.uuid4()), **row}
    if row["type"] == "cost-state":  # as the client has it
        line = row
    with transcript.open("a") as stream:
        stream.write(json.dumps(line, separators=(",", ":")) + "\n")


def main(prompt: str, words: list[str]) -> int:
    """Answer a prompt."""
    resumed = words[words.index("--resume") + 1] if "--resume" in words else None
    folder = Path(os.environ["CLAUDE_CONFIG_DIR"], "projects", "x")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{resumed or uuid.uuid4()}.jsonl"
    before = [json.loads(row) for row in path.read_text().splitlines()] if resumed else []
    if any(row["type"] == "cost-state" for row in before):
        return 3
    asked = {"role": "user", "content": prompt}
    say(path, type="user", promptId=str(uuid.uuid4()), message=asked)
    if prompt == "refuse":
        refused = {"type": "result", "is_error": True, "result": "no", "api_error_status": 500}
        print(json.dumps(refused))  # noqa: T201
        return 1
    time.sleep(float(Path(os.environ["HOME"], "pause").read_text()))
    text = COMMAND.read_text() if COMMAND.exists() else "none"
    if "/review" in prompt:
        say(path, type="user", isMeta=True, message={"role": "user", "content": text})
    with Path("log.txt").open("a") as stream:
        stream.write(f"{prompt}\n")
    users = [row for row in before if row["type"] == "user" and not row.get("isMeta")]
    heard = [row["message"]["content"] for row in users]
    answer = f"heard {heard} saw {text.strip()}"
    message = {
        "id": str(uuid.uuid4()),
        "model": "m",
        "role": "assistant",
        "stop_reason": "end_turn",
        "usage": {
            "input_tokens": 10,
            "output_tokens": len(heard),
            "cache_read_input_tokens": 0,
            "cache_creation_input_tokens": 0,
        },
        "content": [{"type": "text", "text": answer}],
    }
    say(path, type="assistant", message=message)
    say(path, type="cost-state", totalCostUSD=9)
    models = {"m": {"inputTokens": 10, "outputTokens": len(heard)}}
    told = {"type": "result", "result": answer, "total_cost_usd": 0.01, "modelUsage": models}
    print(json.dumps(told))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.stdin.read(), sys.argv))
