"""Transcripts as the client writes them, line by line, for tests that need no client."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

START = 1_795_270_618.0  # 2026-11-21T14:16:58Z
MODEL = "claude-opus-5-5"
USAGE = {
    "input_tokens": 100,
    "cache_creation_input_tokens": 2000,
    "cache_read_input_tokens": 3000,
    "output_tokens": 50,
}


def stamp(seconds):
    """Return the time so many seconds after START as the client spells it."""
    moment = datetime.fromtimestamp(START + seconds, tz=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Script:
    """Collects lines; every method adds one or more."""

    lines: list = field(default_factory=list)
    number: int = 0

    def add(self, **document):
        self.lines.append(document)
        return self

    def prompt(self, prompt_id, at, text="do it", **more):
        return self.user(prompt_id, at, text, **more)

    def command(self, prompt_id, at, name="review", arguments="one"):
        text = (
            f"<command-message>{name}</command-message>\n<command-name>/{name}</command-name>\n"
            f"<command-args>{arguments}</command-args>"
        )
        self.user(prompt_id, at, text)
        return self.user(prompt_id, at, [{"type": "text", "text": "the body"}], isMeta=True)

    def user(self, prompt_id, at, content, **more):
        return self.add(
            type="user",
            promptId=prompt_id,
            timestamp=stamp(at),
            version="2.1.330",
            message={"role": "user", "content": content},
            **more,
        )

    def answer(self, at, text="done", tools=(), usage=None, key=None, **more):
        """Add a message: one line for each block, each with the whole usage."""
        self.number += 1
        key = key or f"msg_{self.number}"
        blocks = [{"type": "text", "text": text}] if text else []
        blocks += [
            {"type": "tool_use", "id": call, "name": name, "input": given}
            for call, name, given in tools
        ]
        for block in blocks:
            self.add(
                type="assistant",
                timestamp=stamp(at),
                version="2.1.330",
                message={
                    "id": key,
                    "model": MODEL,
                    "role": "assistant",
                    "stop_reason": "tool_use" if tools else "end_turn",
                    "usage": {**USAGE, **(usage or {})},
                    "content": [block],
                },
                **more,
            )
        return self

    def result(self, prompt_id, at, call, *, detail=None, error=None, content="result"):
        block = {"type": "tool_result", "tool_use_id": call, "content": content}
        if error is not None:
            block["is_error"] = error
        return self.user(prompt_id, at, [block], toolUseResult=detail or {})

    def notification(self, prompt_id, at, call, tag="tool-use-id"):
        text = f"<task-notification>\n<{tag}>{call}</{tag}>\n</task-notification>"
        return self.user(prompt_id, at, text, turnOrigin="task_notification")

    def api_error(self, at, text="Prompt is too long", *, marked=True):
        message = {
            "id": "none",
            "model": "<synthetic>",
            "stop_reason": "stop_sequence",
            "usage": dict.fromkeys(USAGE, 0),
            "content": [{"type": "text", "text": text}],
        }
        mark = {"isApiErrorMessage": True} if marked else {}
        return self.add(type="assistant", timestamp=stamp(at), message=message, **mark)

    def interrupt(self, prompt_id, at):
        text = [{"type": "text", "text": "[Request interrupted by user]"}]
        return self.user(prompt_id, at, text)

    @property
    def bytes(self):
        rows = (
            json.dumps(line, separators=(",", ":"), ensure_ascii=False) for line in self.lines
        )
        return "".join(f"{row}\n" for row in rows).encode()

    def write(self, path):
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.bytes)
        return path
