"""A stand-in for the Anthropic Messages API on 127.0.0.1 that answers from a script.

A test writes down the answers; the real client does the rest. Every request is kept, so
that a test can look at exactly what a model would have seen.
"""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, Self

Document = dict[str, Any]

USAGE: Mapping[str, int] = {
    "input_tokens": 100,
    "cache_creation_input_tokens": 2000,
    "cache_read_input_tokens": 3000,
    "output_tokens": 50,
}


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the scripted model wants to use."""

    name: str
    input: Document


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error in the place of an answer; `retry` tells the client whether to try again."""

    status: int
    kind: str = "api_error"
    message: str = "scripted refusal"
    retry: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What the scripted model says to one request.

    Answers are used in their order, each once. `when` is a regular expression over the
    request as JSON: such an answer waits for a request that it fits, and goes before those
    without. A `lasting` answer is never used up. `delay` is in seconds; `after` is waited for.
    """

    text: str = ""
    thinking: str = ""
    tools: Sequence[ToolCall] = ()
    when: str | None = None
    lasting: bool = False
    usage: Mapping[str, int] = field(default_factory=dict)
    model: str | None = None
    delay: float = 0.0
    after: threading.Event | None = None
    refusal: Refusal | None = None

    def blocks(self) -> list[Document]:
        """Return the content blocks of the message."""
        blocks: list[Document] = []
        if self.thinking:
            blocks.append({"type": "thinking", "thinking": self.thinking, "signature": "none"})
        if self.text:
            blocks.append({"type": "text", "text": self.text})
        blocks += [
            {"type": "tool_use", "id": _name("toolu"), "name": call.name, "input": call.input}
            for call in self.tools
        ]
        return blocks

    def message(self, model: str) -> Document:
        """Return the whole message, as an endpoint that does not stream sends it."""
        return {
            "id": _name("msg"),
            "type": "message",
            "role": "assistant",
            "model": self.model or model,
            "content": self.blocks(),
            "stop_reason": "tool_use" if self.tools else "end_turn",
            "stop_sequence": None,
            "usage": {**USAGE, **self.usage},
        }


ASIDE = Answer(text="aside")
EXHAUSTED = Answer(text="The script has no further answer.")


@dataclass(frozen=True, slots=True)
class Request:
    """One request: when it came (seconds since the epoch), what it held, what it got."""

    at: float
    path: str
    headers: Mapping[str, str]
    body: Document
    answer: Answer | None

    @property
    def is_turn(self) -> bool:
        """Tell a step of a conversation from a side request, such as one for a title."""
        return bool(self.body.get("tools")) and bool(self.body.get("messages"))

    def texts(self, role: str | None = None) -> list[str]:
        """Return every text in the conversation so far, or only what one role said."""
        return [
            text
            for message in self.body.get("messages", ())
            if role is None or message["role"] == role
            for text in _texts(message["content"])
        ]

    def tool_results(self) -> list[tuple[str, bool]]:
        """Return text and error mark of every tool result in the conversation so far."""
        return [
            ("\n".join(_texts(block.get("content"))), block.get("is_error") is True)
            for message in self.body.get("messages", ())
            if isinstance(message["content"], list)
            for block in message["content"]
            if block.get("type") == "tool_result"
        ]


class Endpoint:
    """A server for the time of a `with` block.

    `respond` is asked where no answer with `when` fits: a script that looks at the request.
    """

    def __init__(
        self,
        answers: Sequence[Answer] = (),
        respond: Callable[[Document], Answer | None] | None = None,
    ) -> None:
        """Hold the script; the server starts with the `with` block."""
        self._left = list(answers)
        self._respond = respond
        self._requests: list[Request] = []
        self._lock = threading.Lock()
        handler = type("_BoundHandler", (_Handler,), {"endpoint": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Return the base address for the client."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def requests(self) -> list[Request]:
        """Return all requests so far, in the order in which they came."""
        with self._lock:
            return list(self._requests)

    @property
    def turns(self) -> list[Request]:
        """Return the steps of conversations so far, without side requests."""
        return [request for request in self.requests if request.is_turn]

    def wait_for(self, turns: int, seconds: float = 240.0) -> None:
        """Wait until that many steps of conversations have been asked for."""
        until = time.monotonic() + seconds
        while len(self.turns) < turns:
            if time.monotonic() > until:
                raise TimeoutError(f"{len(self.turns)} of {turns} requests came.")
            time.sleep(0.01)

    def add(self, *answers: Answer) -> None:
        """Append to the script while it runs."""
        with self._lock:
            self._left += answers

    def take(self, path: str, headers: Mapping[str, str], body: Document) -> Answer:
        """Record a request for a message and choose its answer."""
        at = time.time()
        with self._lock:
            answer = self._choose(body)
            self._requests.append(Request(at, path, headers, body, answer))
        return answer

    def note(self, path: str, headers: Mapping[str, str], body: Document) -> None:
        """Record a request for anything else."""
        with self._lock:
            self._requests.append(Request(time.time(), path, headers, body, None))

    def _choose(self, body: Document) -> Answer:
        special = [answer for answer in self._left if answer.when]
        wanted = json.dumps(body, ensure_ascii=False) if special else ""
        fitting = (answer for answer in special if re.search(answer.when or "", wanted))
        answer = next(fitting, None)
        if answer is None and not body.get("tools"):
            return ASIDE
        if answer is None and self._respond:
            answer = self._respond(body)
            if answer is not None:
                return answer
        if answer is None:
            answer = next((answer for answer in self._left if answer.when is None), None)
        if answer is None:
            return EXHAUSTED
        if not answer.lasting:
            self._left.remove(answer)
        return answer


def events(message: Document) -> Iterator[tuple[str, Document]]:
    """Cut a message into the server-sent events of a stream."""
    opening = {**message, "content": [], "stop_reason": None}
    opening["usage"] = {**message["usage"], "output_tokens": 1}
    yield "message_start", {"message": opening}
    for index, block in enumerate(message["content"]):
        empty, deltas = _pieces(block)
        yield "content_block_start", {"index": index, "content_block": empty}
        for delta in deltas:
            yield "content_block_delta", {"index": index, "delta": delta}
        yield "content_block_stop", {"index": index}
    closing = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield "message_delta", {"delta": closing, "usage": message["usage"]}
    yield "message_stop", {}


def _pieces(block: Document) -> tuple[Document, list[Document]]:
    match block["type"]:
        case "text":
            return {"type": "text", "text": ""}, [{"type": "text_delta", "text": block["text"]}]
        case "thinking":
            return {"type": "thinking", "thinking": "", "signature": ""}, [
                {"type": "thinking_delta", "thinking": block["thinking"]},
                {"type": "signature_delta", "signature": block["signature"]},
            ]
        case _:
            written = json.dumps(block["input"])
            return {**block, "input": {}}, [
                {"type": "input_json_delta", "partial_json": written}
            ]


class _Handler(BaseHTTPRequestHandler):
    endpoint: ClassVar[Endpoint]
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep the screen for the tests."""

    def do_HEAD(self) -> None:
        self._send(200, {})

    def do_GET(self) -> None:
        self.endpoint.note(self.path, self._public_headers(), {})
        self._send(404, _error("not_found_error", "Nothing is served here."))

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            body = json.loads(raw)
        except ValueError:
            body = {"unreadable": raw.decode("utf-8", "replace")}
        path = self.path.partition("?")[0]
        if path.endswith("/v1/messages"):
            self._answer(body, self.endpoint.take(path, self._public_headers(), body))
            return
        self.endpoint.note(path, self._public_headers(), body)
        counted = path.endswith("/count_tokens")
        self._send(200, {"input_tokens": len(raw) // 4} if counted else {})

    def _answer(self, body: Document, answer: Answer) -> None:
        time.sleep(answer.delay)
        if answer.after:
            answer.after.wait()
        refusal = answer.refusal
        if refusal:
            again = {"x-should-retry": "true" if refusal.retry else "false"}
            self._send(refusal.status, _error(refusal.kind, refusal.message), again)
            return
        message = answer.message(body.get("model", "scripted"))
        if body.get("stream"):
            self._stream(message)
        else:
            self._send(200, message)

    def _stream(self, message: Document) -> None:
        self.close_connection = True
        try:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream; charset=utf-8")
            self.send_header("request-id", _name("req"))
            self.send_header("connection", "close")
            self.end_headers()
            for name, data in events(message):
                line = json.dumps({"type": name, **data})
                self.wfile.write(f"event: {name}\ndata: {line}\n\n".encode())
        except (BrokenPipeError, ConnectionResetError):
            return  # a test killed the client

    def _send(
        self, status: int, document: Document, headers: Mapping[str, str] | None = None
    ) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.send_header("request-id", _name("req"))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _public_headers(self) -> dict[str, str]:
        secret = {"x-api-key", "authorization"}
        return {
            name.lower(): value
            for name, value in self.headers.items()
            if name.lower() not in secret
        }


def _texts(content: object) -> list[str]:
    if isinstance(content, str):
        return [content]
    found: list[str] = []
    for block in content if isinstance(content, list) else []:
        if block.get("type") == "text":
            found.append(block["text"])
        elif block.get("type") == "tool_result":
            found += _texts(block.get("content"))
    return found


def _error(kind: str, message: str) -> Document:
    return {"type": "error", "error": {"type": kind, "message": message}}


def _name(prefix: str) -> str:
    return f"{prefix}_{uuid.uuid4().hex[:24]}"
