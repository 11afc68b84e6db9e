"""What the real client tells of itself over OTLP, as a collector's file exporter keeps it.

`python -m tests.client.telemetry FOLDER` records the sample that tests elsewhere read: the
sessions of a small experiment, with all that names a person or a machine replaced.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.client.endpoint import Answer, Document, Endpoint, Refusal
from tests.client.harness import Client
from tests.client.live import COMMAND, ONE_LOOK, Live, Model, begin
from tests.support.http_server import answering, local_server

SESSIONS = 10
FAILING, TWICE = 3, 5  # the session whose request is refused, and the one with two prompts
_NAMING = {
    "user.id": "0" * 64,
    "host.name": "machine",
    "os.version": "6.1",
    "user.email": "somebody@example.org",
    "organization.id": "00000000-0000-0000-0000-000000000000",
    "user.account_uuid": "00000000-0000-0000-0000-000000000000",
}
_COST = "claude_code.cost.usage"
_NOISE = 2  # events of each kind that no mapping reads are kept


class Receiver:
    """A collector over HTTP that keeps each document it gets as one line of a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self._lock = threading.Lock()

    @property
    def environment(self) -> dict[str, str]:
        """Return what switches the client's telemetry on, to here."""
        return {
            "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
            "OTEL_METRICS_EXPORTER": "otlp",
            "OTEL_LOGS_EXPORTER": "otlp",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url,
            "OTEL_METRIC_EXPORT_INTERVAL": "500",
            "OTEL_LOGS_EXPORT_INTERVAL": "200",
        }

    def take(self, path: str, body: bytes) -> None:
        """Keep a document in the file of its signal."""
        name = path.rpartition("/")[2]
        line = json.dumps(json.loads(body), separators=(",", ":"))
        with self._lock, (self.folder / f"{name}.jsonl").open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


@contextmanager
def receiver(folder: Path) -> Iterator[Receiver]:
    """Run one on a port of this machine."""
    kept = Receiver(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            kept.take(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    server, kept.url = local_server(Handler)
    with answering(server):
        yield kept


def told_experiment(client: Client, folder: Path, unit: str, sessions: int = SESSIONS) -> Live:
    """Run an experiment in the client while it tells what it does to files of a folder.

    Every third session has a tool fail, one a refused request, one a second prompt. The last
    file, `exposures.jsonl`, is our own telemetry.
    """
    with receiver(folder) as kept:
        told = replace(client, environment={**client.environment, **kept.environment})
        live = begin(told, replace(COMMAND, unit=unit), *ONE_LOOK)
        refusal = Refusal(529, "overloaded_error")
        model = Model(live.kind, refusals={FAILING: [refusal]})

        def respond(body: Document) -> Answer:
            answer = model(body)
            calls = [
                replace(call, input={"file_path": str(live.root / "missing.txt")})
                for call in answer.tools
            ]
            return replace(answer, tools=calls)

        with Endpoint(respond=respond) as endpoint:
            for item in range(1, sessions + 1):
                live.work(endpoint, [item, item + SESSIONS] if item == TWICE else [item])
    live.meta("telemetry", "export", "--out", str(folder / "exposures.jsonl"))
    return live


def without_names(line: str) -> str:
    """Return a line in which nothing names a person or a machine."""
    document = json.loads(line)
    for attributes in _attributes(document):
        for attribute in attributes:
            if attribute["key"] in _NAMING:
                attribute["value"] = {"stringValue": _NAMING[attribute["key"]]}
    return json.dumps(document, separators=(",", ":"))


def _attributes(value: Any) -> Iterator[list[Document]]:
    if isinstance(value, dict):
        if isinstance(value.get("attributes"), list):
            yield value["attributes"]
        for inner in value.values():
            yield from _attributes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _attributes(inner)


def _small(lines: list[str]) -> Iterator[str]:
    """Leave out most of what no mapping reads: hooks that ran, metrics other than the cost."""
    seen: dict[str, int] = {}

    def wanted(record: Document) -> bool:
        name = record["body"]["stringValue"]
        seen[name] = seen.get(name, 0) + 1
        return seen[name] <= _NOISE or not any(
            word in name for word in ("hook", "plugin", "settings", "response")
        )

    for line in lines:
        document = json.loads(line)
        for resource in document.get("resourceLogs", ()):
            for scope in resource["scopeLogs"]:
                scope["logRecords"] = [it for it in scope["logRecords"] if wanted(it)]
        for resource in document.get("resourceMetrics", ()):
            for scope in resource["scopeMetrics"]:
                scope["metrics"] = [it for it in scope["metrics"] if it["name"] == _COST]
        yield json.dumps(document)


def _record(folder: Path) -> None:
    import os
    import tempfile

    from tests.client.installed import find_client

    binary = find_client(os.environ)
    if binary is None:
        sys.exit("No client is installed; .ci/run installs one.")
    with tempfile.TemporaryDirectory() as raw:
        told_experiment(Client(binary, Path(raw, "work")), Path(raw), "session")
        for name in ("logs", "metrics", "exposures"):
            lines = Path(raw, f"{name}.jsonl").read_text("utf-8").splitlines()
            kept = [without_names(line) for line in _small(lines)]
            (folder / f"{name}.jsonl").write_text("".join(f"{it}\n" for it in kept), "utf-8")


if __name__ == "__main__":
    _record(Path(sys.argv[1]))
